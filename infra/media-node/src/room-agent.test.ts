/** The agent of one room, on the fake engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EngineError, MAX_SECTIONS } from './engine.ts';
import { MAX_AUDIBLE } from './loudest.ts';
import { RoomAgent } from './room-agent.ts';
import { FakeEngine, type FakeRoom } from './testing/fake-engine.ts';
import { FakeSession, OFFER } from './testing/fake-session.ts';

function start(more: Partial<ConstructorParameters<typeof RoomAgent>[0]> = {}) {
  const session = new FakeSession();
  const engine = new FakeEngine();
  const agent = new RoomAgent({ roomId: 'r', epoch: 5, session, engine, publishers: 10, say: () => {}, ...more });
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  return { session, engine, agent, room };
}

test('each gets an answer and an offer that names whose tracks it has', async () => {
  const { session, room, agent } = start();
  session.arrive('ada', 'bob');
  session.connect('ada');
  session.connect('bob');
  await vi.waitFor(() => expect(session.of('ada', 'offer')).toHaveLength(1));
  expect(session.of('ada', 'answer')[0]?.body).toMatchObject({ sdp: { leg: 'up', gen: 1 } });
  expect(session.of('ada', 'offer')[0]?.body).toMatchObject({
    sdp: {
      leg: 'down',
      gen: 1,
      tracks: [
        { peerId: 'bob', slot: 'audio' },
        { peerId: 'bob', slot: 'video' },
      ],
    },
  });
  expect([...room().publishers.keys()].sort()).toEqual(['ada', 'bob']);
  await agent.end('test');
});

test('what was said before the agent listened is answered', async () => {
  const session = new FakeSession();
  session.peers.set('ada', { peerId: 'ada' });
  const early = [
    { type: 'offer' as const, peerId: 'ada', sdp: { type: 'offer', sdp: OFFER, leg: 'up', gen: 1 } as never },
  ];
  const { agent } = start({ session, early });
  await vi.waitFor(() => expect(session.of('ada', 'answer')).toHaveLength(1));
  await agent.end('test');
});

test('who is no member any more has no legs, at once', async () => {
  const { session, engine, agent } = start();
  session.arrive('ada', 'bob');
  session.connect('ada');
  session.connect('bob');
  await vi.waitFor(() => expect(engine.legs).toBe(4));
  session.depart('ada');
  await vi.waitFor(() => expect(engine.legs).toBe(2));
  // Nor do its late messages open any.
  session.connect('ada', 2);
  await sleep(20);
  expect(engine.legs).toBe(2);
  await agent.end('test');
  expect(engine.legs).toBe(0);
  expect(session.closed).toBe(true);
});

test('a higher generation replaces a leg, a lower one is ignored, and nonsense changes nothing', async () => {
  const { session, engine, room, agent } = start();
  session.arrive('ada');
  session.connect('ada', 2);
  await vi.waitFor(() => expect(engine.legs).toBe(2));
  const leg = room().publishers.get('ada');
  session.connect('ada', 1);
  for (const sdp of [
    null,
    'text',
    { leg: 'up' },
    { leg: 'side', gen: 3, sdp: OFFER },
    { leg: 'up', gen: -1, sdp: OFFER },
  ])
    session.emit('signal', { type: 'offer', peerId: 'ada', sdp: sdp as never });
  for (const want of [null, 7, { gen: 'x' }, { gen: 1e99, layers: [{ peerId: {} }] }])
    session.emit('signal', { type: 'media-want', peerId: 'ada', want });
  session.emit('signal', {
    type: 'ice-candidate',
    peerId: 'ada',
    candidate: { leg: 'up', gen: 2, candidate: 'x'.repeat(600) } as never,
  });
  await sleep(20);
  expect(room().publishers.get('ada')).toBe(leg);
  session.connect('ada', 3);
  await vi.waitFor(() => expect(room().publishers.get('ada')).not.toBe(leg));
  expect(engine.legs).toBe(2);
  await agent.end('test');
});

test('the other engine takes the room over, and all are told to connect anew', async () => {
  const { session, engine, agent } = start();
  session.arrive('ada', 'bob');
  session.connect('ada');
  await vi.waitFor(() => expect(engine.legs).toBe(2));
  engine.kill();
  const spare = new FakeEngine();
  agent.adopt(spare);
  expect(session.of('bob', 'media-state').at(-1)?.body).toMatchObject({ state: { mode: 'engine-lost', epoch: 5 } });
  session.connect('ada', 2);
  await vi.waitFor(() => expect(spare.legs).toBe(2));
  await agent.end('test');
});

test('a room of two goes back to a mesh, legs stay until they are not needed', async () => {
  const { session, engine, agent } = start({ idleMs: 30, closingMs: 10_000 });
  session.arrive('ada', 'bob', 'eve');
  for (const id of ['ada', 'bob', 'eve']) session.connect(id);
  await vi.waitFor(() => expect(engine.legs).toBe(6));
  await sleep(60);
  expect(agent.state).toBe('serving');
  session.depart('eve');
  await vi.waitFor(() => expect(agent.state).toBe('closing'));
  expect(engine.legs).toBe(4);
  expect(session.of('ada', 'media-state').at(-1)?.body).toMatchObject({ state: { mode: 'closing' } });
  for (const peerId of ['ada', 'bob']) session.emit('signal', { type: 'media-state', peerId, state: { mode: 'gone' } });
  await agent.ended;
  expect(engine.legs).toBe(0);
});

test('while it is recorded a room of two does not go back to a mesh; when that ends, it does', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const recorder = { store: { put: async () => {} }, partMs: 1000, minFreeBytes: 0, over: async () => {} } as never;
  const { session, engine, agent } = start({ recorder });
  session.arrive('ada', 'bob');
  for (const id of ['ada', 'bob']) session.connect(id);
  await vi.waitFor(() => expect(engine.legs).toBe(4));
  await agent.recorder?.follow({ id: 'one', startedAt: 1 } as never);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([agent.state, agent.recorder?.recording?.id]).toEqual(['serving', 'one']);
  await agent.recorder?.follow(undefined);
  expect(agent.state).toBe('serving');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(agent.state).toBe('closing');
  await agent.end('test');
});

test('a room that another node was called for keeps its legs until that node is in the room', async () => {
  const { session, engine, agent } = start({ closingMs: 20 });
  session.arrive('ada', 'bob');
  for (const id of ['ada', 'bob']) session.connect(id);
  await vi.waitFor(() => expect(engine.legs).toBe(4));
  session.media = { epoch: 5 };
  agent.release('node');
  expect(session.of('ada', 'media-state').at(-1)?.body).toMatchObject({ state: { mode: 'moving' } });
  await sleep(60);
  expect(engine.legs).toBe(4);
  // Who comes meanwhile is served here.
  session.arrive('eve');
  session.connect('eve');
  await vi.waitFor(() => expect(engine.legs).toBe(6));
  session.update({ media: 6 });
  await agent.ended;
  expect(engine.legs).toBe(0);
});

test('a layer is chosen by each for itself', async () => {
  const { session, room, agent } = start();
  session.arrive('ada', 'bob');
  session.connect('bob');
  session.emit('signal', {
    type: 'media-want',
    peerId: 'ada',
    want: { gen: 1, others: 'low', layers: [{ peerId: 'bob', slot: 'video', layer: 'off' }] },
  });
  await vi.waitFor(() => expect(session.of('ada', 'offer')).toHaveLength(1));
  const layers = room().subscribers.get('ada')?.layers;
  expect(layers?.get('video bob')).toBe('off');
  expect(layers?.get('audio bob')).toBe('high');
  await agent.end('test');
});

test('an offer has no more sections than fit a frame: sound first, and what is not seen last', async () => {
  const { session, room, agent } = start({ publishers: 100 });
  const people = Array.from({ length: 40 }, (_, i) => `p${i}`);
  session.arrive('ada', ...people);
  for (const id of people)
    session.emit('signal', {
      type: 'offer',
      peerId: id,
      sdp: { type: 'offer', sdp: OFFER, leg: 'up', gen: 1 } as never,
    });
  const unseen = people.slice(0, 10).map((peerId) => ({ peerId, slot: 'video', layer: 'off' }));
  session.emit('signal', { type: 'media-want', peerId: 'ada', want: { gen: 1, others: 'low', layers: unseen } });
  await vi.waitFor(() => expect(room().publishers.size).toBe(40), { timeout: 10_000 });
  const tracks = () =>
    (session.of('ada', 'offer').at(-1)?.body as unknown as { sdp: { tracks: { peerId: string; slot: string }[] } })?.sdp
      .tracks ?? [];
  await vi.waitFor(
    () => {
      session.answer('ada');
      expect(tracks()).toHaveLength(MAX_SECTIONS);
    },
    { timeout: 20_000, interval: 20 },
  );
  expect(tracks().filter((t) => t.slot === 'audio')).toHaveLength(
    // She is one of the audible herself.
    MAX_AUDIBLE - 1,
  );
  const seen = new Set(tracks().flatMap((t) => (t.slot === 'video' ? [t.peerId] : [])));
  expect(people.slice(10).every((id) => seen.has(id))).toBe(true);
  await agent.end('test');
});

test('an engine that opens no room ends the agent, not the node; one that is gone is waited for', async () => {
  for (const [code, isOver] of [
    ['timeout', true],
    ['refused', true],
    ['gone', false],
  ] as const) {
    const engine = new FakeEngine();
    engine.openRoom = async () => {
      await sleep(10);
      throw new EngineError(code, 'said the test');
    };
    const said: string[] = [];
    // No leg asks for the room: a rejection without a handler would end this process.
    const { agent } = start({ engine, say: (event) => said.push(event) });
    await sleep(50);
    expect(agent.state, code).toBe(isOver ? 'ended' : 'serving');
    expect(said).toContain('media.room-refused');
    await agent.end('test over');
  }
});

test('who may not publish is told so, by an offer and by an answer that sends; and receives', async () => {
  const { session, room, agent } = start({ idleMs: 20 });
  session.arrive('ada');
  session.peers.set('zoe', { peerId: 'zoe', audience: true });
  session.emit('peer-joined', { peer: { peerId: 'zoe', audience: true }, before: false });
  session.connect('ada');
  session.connect('zoe');
  await vi.waitFor(() => expect(session.of('zoe', 'offer')).toHaveLength(1));
  const refused = () =>
    session.of('zoe', 'media-state').filter((s) => (s.body as { state?: { mode: string } }).state?.mode === 'refused');
  expect(refused()).toHaveLength(1);
  const answer = (sdp: string) =>
    session.emit('signal', {
      type: 'answer',
      peerId: 'zoe',
      sdp: { type: 'answer', sdp, leg: 'down', gen: 1 } as never,
    });
  answer(OFFER);
  expect(refused()).toHaveLength(2);
  answer(OFFER.replaceAll('sendonly', 'recvonly'));
  await sleep(60);
  expect(refused()).toHaveLength(2);
  expect([...room().publishers.keys()]).toEqual(['ada']);
  expect([...room().subscribers.keys()].sort()).toEqual(['ada', 'zoe']);
  // Two people with an audience are no mesh.
  expect(agent.state).toBe('serving');
  await agent.end('test');
});

test('who streams over HTTP hears of its leg, and its room stays here however few are in it', async () => {
  const { session, agent, room } = start({ idleMs: 1, meshPeople: 2 });
  const peer = { peerId: 'encoder', metadata: { stream: true } };
  session.peers.set('encoder', peer);
  session.emit('peer-joined', { peer, before: false });
  session.arrive('ada');
  for (const peerId of ['encoder', 'ada']) session.connect(peerId);
  const legs = (to: string) => session.of(to, 'media-state').map(({ body }) => body.state);
  await vi.waitFor(() => expect(legs('encoder')).toMatchObject([{ mode: 'leg', leg: 'up', gen: 1, is: 'live' }]));
  await sleep(20);
  expect(agent.state).toBe('serving');
  (room().publishers.get('encoder') as unknown as { lost(): void }).lost();
  expect(legs('encoder').at(-1)).toMatchObject({ mode: 'leg', leg: 'up', gen: 1, is: 'lost' });
  expect(legs('ada').filter((state) => (state as { mode?: string } | undefined)?.mode === 'leg')).toEqual([]);
  // Without it two people are a mesh.
  session.depart('encoder');
  await vi.waitFor(() => expect(agent.state).toBe('closing'));
  await agent.end('test');
});
