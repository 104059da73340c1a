/** For tests of pairs: two of them over a relay with delays, on fake connections and virtual time, everything by a seed. */
import { expect } from 'vitest';
import type { DeliveryResult } from './delivery-types.ts';
import { Pace } from './pace.ts';
import { Pair } from './pair.ts';
import type { PairHost } from './pair-types.ts';
import { PrewarmedConnection } from './prewarmed-connection.ts';
import { random, VirtualTime } from './testing.ts';
import { type FakePeerConnection, type FakeWorld, fakePeerConnection } from './testing-connection.ts';

export interface Side {
  readonly pair: Pair;
  readonly timings: string[];
  /** What stood in the negotiation each time that senders were to get their caps. */
  readonly capped: RTCSignalingState[];
  /** What it sent, in order. */
  readonly sent: { type: 'offer' | 'answer' | 'ice-candidate'; body: Record<string, unknown> }[];
  readonly pc: () => FakePeerConnection;
  /** Hold back what it sends. */
  hold: boolean;
  /** What becomes of what it sends, in place of its arrival. */
  lose?: Promise<DeliveryResult>;
  reachable: boolean;
  release(): void;
}

interface CoupleOptions {
  readonly slowness?: number;
  /** Bob's first offer is under way before the pair begins. */
  readonly prewarmed?: boolean;
  /** ms until a pair that is not whole is rebuilt. Default: never. */
  readonly rebuild?: number;
  /** Of both sides. Default: of each one its own. */
  readonly pace?: Pace;
  readonly ada?: Omit<FakeWorld, 'time' | 'random' | 'slowness'>;
  readonly bob?: Omit<FakeWorld, 'time' | 'random' | 'slowness'>;
}

/** Ada is polite, Bob is not. */
export function couple(seed: number, options: CoupleOptions = {}) {
  const { slowness = 20, prewarmed = false, rebuild = 1e9 } = options;
  const time = new VirtualTime();
  const chance = random(seed);
  const sides: Side[] = [];
  const side = (polite: boolean): Side => {
    const me = sides.length;
    const held: Side['sent'] = [];
    let due = 0;
    // In order and once, as the delivery below gives it, but as late as it likes.
    const forward = ({ type, body }: Side['sent'][number]) => {
      due = Math.max(due, time.now() + chance() * 60);
      time.setTimeout(() => sides[1 - me]?.pair.receive(type, structuredClone(body)), due - time.now());
    };
    const world: FakeWorld = { time, random: chance, slowness, ...(polite ? options.ada : options.bob) };
    const Native = fakePeerConnection(world) as unknown as PairHost['RTCPeerConnection'];
    const ready = new PrewarmedConnection(Native);
    if (prewarmed && !polite) ready.open({ bundlePolicy: 'max-bundle' }, () => null);
    const host: PairHost = {
      clock: time,
      pace: options.pace ?? new Pace(),
      RTCPeerConnection: Native,
      configuration: () => ({ bundlePolicy: 'max-bundle' }),
      freshConfiguration: async () => ({ bundlePolicy: 'max-bundle' }),
      send: (type, body) => {
        const message = { type, body: body as Record<string, unknown> };
        made.sent.push(message);
        if (made.lose !== undefined) return made.lose;
        if (made.hold) held.push(message);
        else forward(message);
        return Promise.resolve({ ok: true, confirmed: true });
      },
      reachable: () => made.reachable,
      track: () => null,
      onTrack: () => {},
      onState: () => {},
      onSenders: () => made.capped.push(made.pc().signalingState),
      startBitrate: () => 1_000_000,
      onChannel: () => {},
      onTiming: (name) => made.timings.push(name),
    };
    const made: Side = {
      pair: new Pair(host, polite, { disconnected: 2000, rebuild, firstOffer: 2000 }, ready.take()),
      timings: [],
      capped: [],
      sent: [],
      hold: false,
      reachable: true,
      pc: () => made.pair.connection as unknown as FakePeerConnection,
      release: () => {
        made.hold = false;
        for (const message of held.splice(0)) forward(message);
      },
    };
    sides.push(made);
    return made;
  };
  return { time, chance, ada: side(true), bob: side(false) };
}

export const ufrag = (description: { sdp: string } | null) => /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? '')?.[1];

/** Both hold the same exchange: nothing half-done, nothing twice, each knows candidates of the other's present path. */
export function agree({ ada, bob }: { ada: Side; bob: Side }, why: string): void {
  const [a, b] = [ada.pc(), bob.pc()];
  expect([a.signalingState, b.signalingState], why).toEqual(['stable', 'stable']);
  expect(ada.pair.generation, why).toBe(bob.pair.generation);
  expect(ufrag(a.remoteDescription), why).toBe(ufrag(b.localDescription));
  expect(ufrag(b.remoteDescription), why).toBe(ufrag(a.localDescription));
  for (const pc of [a, b]) {
    expect(
      pc.getTransceivers().map((t) => t.receiver.track.kind),
      why,
    ).toEqual(['audio', 'video', 'video']);
    expect(pc.candidates.filter((c) => c.ufrag === ufrag(pc.remoteDescription)).length, why).toBe(3);
  }
  expect(
    [...ada.timings, ...bob.timings].filter((m) => /^(error|candidate-refused)/.test(m)),
    why,
  ).toEqual([]);
}

/** Both stand, with an agreed exchange. */
export async function connected(both: ReturnType<typeof couple>, first: 'ada' | 'bob'): Promise<void> {
  both.ada.pair.start(first === 'ada');
  both.bob.pair.start(first === 'bob');
  await both.time.settle(1000);
  for (const side of [both.ada, both.bob]) side.pc().report('connected');
}
