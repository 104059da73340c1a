/** Negotiation of two pairs over a relay with delays, on fake connections and virtual time: every order of events by seed. */
import { expect, test } from 'vitest';
import { agree, connected, couple, ufrag } from './testing-pair.ts';

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
