/** Recovery of two pairs: what was refused, lost or is slow, on fake connections and virtual time. */
import { expect, test } from 'vitest';
import { Pace } from './pace.ts';
import { agree, connected, couple, ufrag } from './testing-pair.ts';

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
