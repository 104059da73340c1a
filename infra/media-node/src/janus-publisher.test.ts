/** What a publisher asks of Janus when that refuses; what it does when not is in the engine's contract. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { MUTED_MS } from './engine.ts';
import type { JanusClient } from './janus-client.ts';
import { JanusPublisher } from './janus-publisher.ts';

const OFFER = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n';
/** The microphone is taken away: its section stays. */
const INACTIVE = `${OFFER}a=inactive\r\n`;

async function published(fails: number) {
  const asked: boolean[] = [];
  const lost: string[] = [];
  const hidden: string[] = [];
  const gate = Promise.withResolvers<void>();
  const handle = {
    message: async ({ streams, record }: { streams?: { send: boolean }[]; record?: boolean }) => {
      if (record && fails > 0) throw new Error('no answer');
      if (streams) {
        asked.push(streams[0]?.send === true);
        if (asked.length <= fails) {
          await gate.promise;
          throw new Error('no answer');
        }
      }
      return { data: {}, sdp: 'v=0' };
    },
    detach: async () => {},
  };
  const events = { onCandidate: () => {}, onLive: () => {}, onLost: (reason: string) => lost.push(reason) };
  const leg = new JanusPublisher({
    room: 'r',
    feed: 'ada',
    events,
    live: () => {},
    talking: () => {},
    hidden: () => hidden.push('ada'),
    ended: () => {},
  });
  await leg.open({ attach: async () => handle } as unknown as JanusClient);
  await leg.offer(OFFER);
  return { leg, asked, lost, hidden, fail: gate.resolve };
}

test.each([
  ['asked for once more', 1, [false, false], []],
  ['the end of the leg when it fails again', 2, [false, false], ['mute: Error: no answer']],
])('M-22 a mute that fails is %s', async (_, fails, asked, lost) => {
  const ada = await published(fails);
  ada.leg.mute(true);
  ada.fail();
  await vi.waitFor(() => expect(ada.asked).toEqual(asked));
  await vi.waitFor(() => expect(ada.lost).toEqual(lost));
});

test('R-6 a publisher whose recording Janus does not begin is not taken for recorded: the next offer asks again', async () => {
  const { leg } = await published(1);
  await expect(leg.record('file')).rejects.toThrow('no answer');
  expect(leg.isRecorded).toBe(false);
});

test('M-22 a mute that fails when it is over is not asked for again', async () => {
  const ada = await published(1);
  ada.leg.mute(true);
  ada.leg.mute(false);
  ada.fail();
  await vi.waitFor(() => expect(ada.asked).toHaveLength(3));
  expect([ada.asked.at(-1), ada.lost]).toEqual([true, []]);
});

test('M-22 a publisher is hidden from those outside of its room once it has been muted for a while, and not by a short mute', async () => {
  const { leg, hidden } = await published(0);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  leg.mute(true);
  vi.advanceTimersByTime(MUTED_MS - 1);
  leg.mute(false);
  vi.advanceTimersByTime(MUTED_MS);
  expect(hidden).toEqual([]);
  leg.mute(true);
  vi.advanceTimersByTime(MUTED_MS);
  expect(hidden).toEqual(['ada']);
});

test('M-22 a section that an offer left out while the publisher was muted is passed on when a later offer has it again', async () => {
  /** Sections that VideoRoom passes on: it keeps that of one that is left out. */
  const sends = new Map<string, boolean>();
  const inFlight = Promise.withResolvers<void>();
  const handle = {
    message: async ({ streams }: { streams?: { mid: string; send: boolean }[] }, jsep?: { sdp: string }) => {
      if (jsep?.sdp.includes('a=inactive')) await inFlight.promise;
      for (const { mid, send } of streams ?? []) sends.set(mid, send);
      return { data: {}, sdp: 'v=0' };
    },
    detach: async () => {},
  };
  const ignore = () => {};
  const leg = new JanusPublisher({
    ...{ room: 'r', feed: 'ada', live: ignore, talking: ignore, hidden: ignore, ended: ignore },
    events: { onCandidate: ignore, onLive: ignore, onLost: ignore },
  });
  await leg.open({ attach: async () => handle } as unknown as JanusClient);
  await leg.offer(OFFER);
  const leaving = leg.offer(INACTIVE);
  leg.mute(true);
  inFlight.resolve();
  await leaving;
  expect(sends).toEqual(new Map([['0', false]]));
  leg.mute(false);
  await leg.offer(OFFER);
  await vi.waitFor(() => expect(sends).toEqual(new Map([['0', true]])));
});
