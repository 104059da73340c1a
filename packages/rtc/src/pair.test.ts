/** Negotiation of two pairs over a relay with delays, on fake connections and virtual time: every order of events by seed. */
import { expect, test } from 'vitest';
import type { DeliveryResult } from './delivery-types.ts';
import { Pace } from './pace.ts';
import { Pair } from './pair.ts';
import type { PairHost } from './pair-types.ts';
import { PrewarmedConnection } from './prewarmed-connection.ts';
import { random, VirtualTime } from './testing.ts';
import { type FakePeerConnection, type FakeWorld, fakePeerConnection } from './testing-connection.ts';

interface Side {
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
function couple(seed: number, options: CoupleOptions = {}) {
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

const ufrag = (description: { sdp: string } | null) => /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? '')?.[1];

/** Both hold the same exchange: nothing half-done, nothing twice, each knows candidates of the other's present path. */
function agree({ ada, bob }: { ada: Side; bob: Side }, why: string): void {
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

test('one calls, the other answers', async () => {
  const both = couple(1);
  both.bob.pair.start(true);
  both.ada.pair.start(false);
  await both.time.settle(1000);
  agree(both, 'first exchange');
  expect(both.ada.sent.map((s) => s.type)).not.toContain('offer');
  // Senders have their caps before there is an encoder, which begins with a picture that it would drop for them.
  expect([both.bob.capped[0], both.ada.capped[0]]).toEqual(['have-local-offer', 'have-remote-offer']);
});

test('the one who should call is silent: the other calls', async () => {
  const both = couple(2);
  both.ada.pair.start(false);
  await both.time.settle(1999);
  expect(both.ada.sent).toEqual([]);
  await both.time.settle(1000);
  agree(both, 'called after all');
});

test('a pre-warmed connection: its offer leaves in the turn of the start, with the candidates that were gathered before', async () => {
  const both = couple(8, { prewarmed: true });
  await both.time.settle(200);
  expect(both.bob.sent).toEqual([]);
  both.ada.pair.start(false);
  both.bob.pair.start(true);
  await Promise.resolve();
  expect(both.bob.sent.map((s) => s.type)).toEqual(['offer', 'ice-candidate', 'ice-candidate', 'ice-candidate']);
  await both.time.settle(1000);
  agree(both, 'stands');
  // Once used it is a connection like any other.
  both.bob.pair.restart();
  await both.time.settle(1000);
  both.ada.pair.rebuild();
  await both.time.settle(1000);
  agree(both, 'restarted and rebuilt');
});

test('a pre-warmed connection: its offer is out while the browser still sets it', async () => {
  const both = couple(8, { prewarmed: true, slowness: 1000 });
  // Made, and not set yet.
  await both.time.settle(200);
  both.ada.pair.start(false);
  both.bob.pair.start(true);
  await Promise.resolve();
  expect(both.bob.sent.map((s) => s.type)).toEqual(['offer']);
  expect(both.bob.pc().localDescription).toBeNull();
  await both.time.settle(20_000);
  agree(both, 'stands');
});

test('glare: both offers are out before either arrives, in both orders of arrival; the impolite one stands', async () => {
  for (const late of ['ada', 'bob'] as const) {
    const both = couple(3);
    both.ada.hold = true;
    both.bob.hold = true;
    both.ada.pair.start(true);
    both.bob.pair.start(true);
    await both.time.settle(200);
    expect([both.ada.pc().signalingState, both.bob.pc().signalingState]).toEqual([
      'have-local-offer',
      'have-local-offer',
    ]);
    both[late === 'ada' ? 'bob' : 'ada'].release();
    await both.time.settle(500);
    both[late].release();
    await both.time.settle(1000);
    agree(both, `${late} arrives last`);
    expect(both.bob.timings).toContain('glare-won');
    expect(both.ada.timings).toContain('glare-yielded');
    expect(both.bob.sent.map((s) => s.type)).not.toContain('answer');
  }
});

test('a stale answer is rejected: of an older offer, of an older connection, of nothing', async () => {
  const both = couple(4);
  both.bob.pair.start(true);
  both.ada.pair.start(false);
  await both.time.settle(1000);
  const [first] = both.ada.sent.filter((s) => s.type === 'answer');
  if (!first) throw new Error('no answer');
  both.bob.pair.receive('answer', first.body);
  await both.time.settle(100);
  expect(both.bob.timings.filter((m) => m === 'stale-answer')).toHaveLength(1);
  // The same again while a newer offer waits for its own.
  both.ada.hold = true;
  both.bob.pair.restart();
  await both.time.settle(300);
  expect(both.bob.pc().signalingState).toBe('have-local-offer');
  both.bob.pair.receive('answer', first.body);
  await both.time.settle(100);
  expect(both.bob.pc().signalingState, 'still waiting').toBe('have-local-offer');
  both.ada.release();
  await both.time.settle(1000);
  agree(both, 'the right answer counted');
  both.bob.pair.rebuild();
  await both.time.settle(1000);
  both.bob.pair.receive('answer', first.body);
  await both.time.settle(1000);
  expect(both.bob.timings.filter((m) => m === 'stale-answer')).toHaveLength(3);
  agree(both, 'after a rebuild');
});

test('candidates that come before their description wait for it', async () => {
  const both = couple(5);
  both.bob.hold = true;
  both.bob.pair.start(true);
  await both.time.settle(500);
  const offer = both.bob.sent.find((s) => s.type === 'offer');
  const candidates = both.bob.sent.filter((s) => s.type === 'ice-candidate');
  expect(candidates).toHaveLength(3);
  for (const { type, body } of candidates) both.ada.pair.receive(type, body);
  await both.time.settle(100);
  expect(both.ada.pc().candidates).toEqual([]);
  both.ada.pair.receive('offer', offer?.body ?? {});
  await both.time.settle(500);
  expect(both.ada.pc().candidates).toHaveLength(3);
  expect(both.ada.timings.filter((m) => m.startsWith('candidate-refused'))).toEqual([]);
});

test('an active candidate of TCP stays here: nothing can be sent to it', async () => {
  const both = couple(5);
  both.bob.pair.start(true);
  await both.time.settle(500);
  const before = both.bob.sent.length;
  const found = { sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' };
  for (const tcpType of ['active', 'passive', null])
    both.bob.pc().onicecandidate?.({ candidate: { ...found, candidate: `candidate:1 ${tcpType}`, tcpType } });
  const sent = both.bob.sent.slice(before).map(({ body }) => (body.candidate as { candidate: string }).candidate);
  expect(sent).toEqual(['candidate:1 passive', 'candidate:1 null']);
});

test('an ICE restart while candidates still trickle: the old ones are dropped in silence, the new path has all of its own', async () => {
  const both = couple(6, { slowness: 100 });
  both.bob.pair.start(true);
  both.ada.pair.start(false);
  const ready = () => both.bob.pc().signalingState === 'stable' && both.bob.pc().remoteDescription !== null;
  while (!ready()) await both.time.settle(5);
  const before = ufrag(both.bob.pc().localDescription);
  both.bob.pair.restart();
  both.ada.pair.restart();
  await both.time.settle(5000);
  expect(ufrag(both.bob.pc().localDescription)).not.toBe(before);
  agree(both, 'restarted');
});

test('restarts are counted once the path stood, whoever began them', async () => {
  const both = couple(7);
  both.bob.pair.start(true);
  both.ada.pair.start(false);
  await both.time.settle(1000);
  both.ada.pc().report('connected');
  both.bob.pc().report('connected');
  expect([both.ada.pair.restarts, both.bob.pair.restarts]).toEqual([0, 0]);
  both.ada.pair.restart();
  await both.time.settle(1000);
  both.bob.pair.rebuild();
  await both.time.settle(1000);
  expect([both.ada.pair.restarts, both.bob.pair.restarts]).toEqual([2, 2]);
});

test('500 seeds: calls, restarts and rebuilds of both sides at any moment end in one agreed exchange', async () => {
  for (let seed = 1; seed <= 500; seed++) {
    const both = couple(seed, {
      slowness: 40,
      prewarmed: seed % 2 === 0,
      ada: { forgetsRole: seed % 3 === 0 },
      bob: { forgetsRole: seed % 5 === 0 },
    });
    both.ada.pair.start(both.chance() < 0.5);
    both.bob.pair.start(both.chance() < 0.7);
    for (let step = 0; step < 6; step++) {
      await both.time.settle(both.chance() * 300);
      const { pair } = both.chance() < 0.5 ? both.ada : both.bob;
      if (both.chance() < 0.7) pair.restart();
      else pair.rebuild();
    }
    await both.time.settle(10_000);
    agree(both, `seed ${seed}`);
    both.ada.pair.close();
    both.bob.pair.close();
    expect(both.time.waiting, `timers left, seed ${seed}`).toBe(0);
  }
});

/** Both stand, with an agreed exchange. */
async function connected(both: ReturnType<typeof couple>, first: 'ada' | 'bob'): Promise<void> {
  both.ada.pair.start(first === 'ada');
  both.bob.pair.start(first === 'bob');
  await both.time.settle(1000);
  for (const side of [both.ada, both.bob]) side.pc().report('connected');
}

test('P-12 a side that forgets its DTLS role when it answers (Firefox): restarts by either side, after either side offered first', async () => {
  for (const firefox of ['ada', 'bob'] as const)
    for (const first of ['ada', 'bob'] as const) {
      const both = couple(9, { [firefox]: { forgetsRole: true } });
      await connected(both, first);
      for (const by of ['ada', 'bob', 'ada'] as const) {
        both[by].pair.restart();
        await both.time.settle(1000);
        agree(both, `${firefox} forgets, ${first} first, restart by ${by}`);
      }
      both.ada.pair.rebuild();
      await both.time.settle(1000);
      both.bob.pair.restart();
      await both.time.settle(1000);
      agree(both, 'rebuilt: the new association has roles of its own');
      expect(both.ada.pair.generation).toBe(2);
    }
});

test('a description that is refused while the path counts as connected: a new connection at once, for offers and answers', async () => {
  for (const type of ['offer', 'answer'] as const)
    for (const by of ['ada', 'bob'] as const) {
      let refusals = 1;
      const refuse = (description: { type: string }) => {
        if (description.type === type && armed && refusals-- > 0) throw new Error('refused by the test');
      };
      let armed = false;
      const both = couple(10, { rebuild: 8000, ada: { refuse }, bob: { refuse } });
      await connected(both, 'bob');
      armed = true;
      both[by].pair.restart();
      await both.time.settle(2000);
      for (const side of [both.ada, both.bob]) side.pc().report('connected');
      expect([both.ada.pair.generation, both.bob.pair.generation], `${type} to a restart by ${by}`).toEqual([2, 2]);
      expect([both.ada.pc().signalingState, both.bob.pc().signalingState]).toEqual(['stable', 'stable']);
      await both.time.settle(60_000);
      expect(both.ada.pair.generation, 'and no other one').toBe(2);
    }
});

test('whatever one side says is refused: new connections come ever more slowly, not in a storm', async () => {
  const both = couple(11, {
    rebuild: 8000,
    ada: {
      refuse: () => {
        throw new Error('refused by the test');
      },
    },
  });
  both.ada.pair.start(false);
  both.bob.pair.start(true);
  await both.time.settle(120_000);
  expect(both.ada.sent.length + both.bob.sent.length).toBeLessThan(100);
});

test('on a slow device each step gets its full time: the description, the path, its encryption', async () => {
  const both = couple(14, { rebuild: 8000 });
  both.ada.pair.start(false);
  both.bob.pair.start(true);
  await both.time.settle(1000);
  for (const state of ['checking', 'connected'] as const) {
    await both.time.settle(7000);
    for (const side of [both.ada, both.bob]) side.pc().reportIce(state);
  }
  await both.time.settle(7000);
  for (const side of [both.ada, both.bob]) side.pc().report('connected');
  await both.time.settle(60_000);
  expect([both.ada.pair.generation, both.bob.pair.generation]).toEqual([1, 1]);
});

test('where one step took 7 s, the next one is waited for twice as long before it counts as stuck', async () => {
  const pace = new Pace();
  pace.step(7000);
  const both = couple(9, { rebuild: 8000, pace });
  both.ada.hold = true;
  both.bob.pair.start(true);
  both.ada.pair.start(false);
  await both.time.settle(12_900);
  expect(both.bob.timings).not.toContain('rebuild');
  await both.time.settle(1200);
  expect(both.bob.timings).toContain('rebuild');
});

test('slow steps are learned from a pair that connects, not from one whose signaling is away; quick ones make them forgotten', async () => {
  const learned = new Pace();
  const slow = couple(10, { rebuild: 8000, pace: learned });
  slow.ada.hold = true;
  slow.bob.pair.start(true);
  slow.ada.pair.start(false);
  await slow.time.settle(6000);
  slow.ada.release();
  await slow.time.settle(1000);
  agree(slow, 'late answer');
  expect(learned.patience(8000)).toBeGreaterThan(11_000);
  for (let i = 0; i < 20; i++) learned.step(10);
  expect(learned.patience(8000)).toBe(8000);

  const unlearned = new Pace();
  const away = couple(11, { rebuild: 8000, pace: unlearned });
  away.ada.hold = true;
  away.bob.pair.start(true);
  away.ada.pair.start(false);
  await away.time.settle(500);
  away.bob.reachable = false;
  await away.time.settle(30_000);
  away.bob.reachable = true;
  away.ada.release();
  await away.time.settle(1000);
  expect(unlearned.patience(8000)).toBe(8000);
});

test('a pair that stood and does not come back is tried ever more slowly', async () => {
  const both = couple(15, { rebuild: 8000 });
  await connected(both, 'bob');
  both.bob.pair.rebuild();
  await both.time.settle(1000);
  // After the first one 16 s, then 32 s.
  await both.time.settle(16_000 + 9 * 32_000);
  expect(both.bob.pair.generation).toBeLessThanOrEqual(2 + 10);
});

test('an offer that nobody answers, on a path that counts as connected: rebuilt within 8 s, by either side', async () => {
  for (const by of ['ada', 'bob'] as const) {
    const both = couple(12, { rebuild: 8000 });
    await connected(both, 'bob');
    both[by].lose = Promise.resolve({ ok: true, confirmed: true });
    both[by].pair.restart();
    await both.time.settle(1000);
    expect(both[by].pc().signalingState).toBe('have-local-offer');
    delete both[by].lose;
    await both.time.settle(8000);
    for (const side of [both.ada, both.bob]) side.pc().report('connected');
    expect(both[by].pair.generation).toBe(2);
    agree(both, `lost offer of ${by}`);
  }
});

test('a description whose delivery was given up while the peer slept is said again when it is back: no rebuild is waited for', async () => {
  for (const by of ['ada', 'bob'] as const)
    for (const lost of ['offer', 'answer'] as const) {
      const both = couple(13);
      const awake = both[by];
      const asleep = by === 'ada' ? both.bob : both.ada;
      await connected(both, 'bob');
      const offerer = lost === 'offer' ? awake : asleep;
      awake.lose = Promise.resolve({ ok: false, reason: 'timeout' });
      offerer.pair.restart();
      await both.time.settle(500);
      awake.reachable = false;
      for (const side of [both.ada, both.bob]) side.pc().report('failed');
      await both.time.settle(90_000);
      delete awake.lose;
      awake.reachable = true;
      awake.pair.signalingBack();
      asleep.pair.signalingBack();
      await both.time.settle(1000);
      // The lost candidates travel in the description this time; fakes have none in it.
      const [a, b] = [both.ada.pc(), both.bob.pc()];
      expect([a.signalingState, b.signalingState], `${lost} of ${by}`).toEqual(['stable', 'stable']);
      expect(ufrag(a.remoteDescription)).toBe(ufrag(b.localDescription));
      expect(ufrag(b.remoteDescription)).toBe(ufrag(a.localDescription));
      expect(awake.timings).toContain(`${lost}-repeated`);
      expect(both.ada.pair.generation).toBe(1);
    }
});

test('P-12 a side without BUNDLE: connected in the first exchange or the one after it, no rebuild is waited for; restarts work', async () => {
  for (const old of ['ada', 'bob'] as const)
    for (const first of ['ada', 'bob'] as const) {
      const both = couple(14, { [old]: { noBundle: true } });
      await connected(both, first);
      agree(both, `${old} without BUNDLE, ${first} first`);
      both.ada.pair.restart();
      await both.time.settle(1000);
      both.bob.pair.restart();
      await both.time.settle(1000);
      agree(both, 'restarted');
    }
});

test('a side whose new path never stands, while its states go on saying connected: rebuilt after 8 s', async () => {
  const both = couple(13, { rebuild: 8000, ada: { losesRestarts: true } });
  await connected(both, 'bob');
  both.bob.pair.restart();
  await both.time.settle(7000);
  agree(both, 'nothing shows it in the descriptions');
  expect(both.ada.pair.generation).toBe(1);
  await both.time.settle(2000);
  for (const side of [both.ada, both.bob]) side.pc().report('connected');
  expect(both.ada.pair.generation).toBe(2);
  agree(both, 'rebuilt');
  await both.time.settle(60_000);
  expect(both.ada.pair.generation, 'and no other one').toBe(2);
});

test('towards Firefox, whoever made the first offer takes a new connection instead of an ICE restart while the path lives', async () => {
  const both = couple(14, { rebuild: 8000, ada: { isFirefox: true } });
  await connected(both, 'bob');
  const again = async () => {
    await both.time.settle(1000);
    for (const side of [both.ada, both.bob]) side.pc().report('connected');
    return both.ada.pair.generation;
  };
  both.ada.pair.restart();
  expect(await again(), 'Firefox restarts').toBe(1);
  both.bob.pair.restart();
  expect(await again(), 'the other restarts on a living path').toBe(2);
  both.bob.pc().report('failed');
  both.bob.pair.restart();
  expect(await again(), 'the other restarts on a dead path').toBe(2);
});
