/** Pairs of SDK sessions that talk without pause, and how long each did not hear the other. */
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import WebSocket from 'ws';

/** Each pair sends so often; it is the resolution of what is measured. */
export const BEAT_MS = 50;

export interface Pairs extends Disposable {
  /** Longest silence at the receiver of each pair since `from` (ms since the epoch), sorted. */
  silence(from: number): number[];
  /** Messages given up so far. */
  readonly lost: number;
}

/** A session that asks once for its token, as apps keep theirs. */
export function openSession(url: string, token: () => Promise<string>): SignalingSession {
  let kept: Promise<string> | undefined;
  const getToken = () => {
    kept ??= token();
    return kept;
  };
  return new SignalingSession({ url, getToken, WebSocket: WebSocket as unknown as WebSocketConstructor });
}

export async function startPairs(count: number, url: string, token: (name: string) => Promise<string>): Promise<Pairs> {
  const pairs: { a: SignalingSession; b: SignalingSession; heard: number[] }[] = [];
  for (let i = 0; i < count; i++) {
    const [a, b] = [openSession(url, () => token(`a${i}`)), openSession(url, () => token(`b${i}`))];
    const heard: number[] = [];
    b.on('message', () => heard.push(Date.now()));
    pairs.push({ a, b, heard });
    await a.join(`room-${i}`);
    await b.join(`room-${i}`);
  }
  let lost = 0;
  let n = 0;
  const beat = setInterval(() => {
    for (const { a } of pairs)
      for (const to of a.peers.keys())
        void a.sendTo(to, 'message', { data: n++ }).then((r) => {
          if (!r.ok) lost++;
        });
  }, BEAT_MS);
  return {
    get lost() {
      return lost;
    },
    silence: (from) => pairs.map(({ heard }) => longestGap(heard, from)).sort((x, y) => x - y),
    [Symbol.dispose]: () => {
      clearInterval(beat);
      for (const { a, b } of pairs) {
        a.close();
        b.close();
      }
    },
  };
}

/** Longest time without an event since `from`, ms; all times in ms since the epoch. */
export function longestGap(events: readonly number[], from: number): number {
  const times = [from, ...events.filter((t) => t > from), Date.now()];
  return Math.max(...times.slice(1).map((t, i) => t - (times[i] ?? t)));
}
