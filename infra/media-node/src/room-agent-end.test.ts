/** What the end of a room leaves of its legs, on the fake engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { RoomAgent } from './room-agent.ts';
import { FakeEngine, type FakeRoom } from './testing/fake-engine.ts';
import { FakeSession } from './testing/fake-session.ts';

function start(more: Partial<ConstructorParameters<typeof RoomAgent>[0]> = {}) {
  const [session, engine] = [new FakeSession(), new FakeEngine()];
  const agent = new RoomAgent({ roomId: 'r', epoch: 5, session, engine, publishers: 10, say: () => {}, ...more });
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  return { session, engine, agent, room };
}

test.each(['room lost', 'session closed'])(
  'R-1 %s: legs of a room that is recorded end at once, as nobody can be told any more that it is not',
  async (why) => {
    const recorder = { store: { put: async () => {} }, partMs: 1000, minFreeBytes: 0, over: async () => {} } as never;
    const { session, engine, agent } = start({ recorder });
    session.arrive('ada', 'bob');
    for (const id of ['ada', 'bob']) session.connect(id);
    await vi.waitFor(() => expect(engine.legs).toBe(4));
    await agent.recorder?.follow({ id: 'one', startedAt: 1 } as never);
    // Signaling takes nothing of it any more.
    session.update = () => {};
    if (why === 'room lost') session.emit('room-lost', { code: 'room_over' } as never);
    else session.emit('state', { state: 'closed' } as never);
    await vi.waitFor(() => expect(engine.legs).toBe(0), 1000);
    await agent.ended;
  },
);

test.each([
  [
    'closed by a moderator or a backend, or its time is over',
    'state',
    { state: 'closed', reason: 'roomClosed' },
    'ended',
  ],
  ['found over', 'room-lost', { code: 'room_over' }, 'ended'],
  ['lost by its node', 'state', { state: 'closed', reason: 'kicked' }, 'moved'],
  ['lost with the session, in which all seem to leave', 'session-lost', { oldPeerId: 'media~1' }, 'moved'],
] as const)('R-1 the recording of a room that is %s', async (_, event, payload, why) => {
  const over = vi.fn(async () => {});
  const kept: unknown[] = [];
  const put = async (key: string, body: string) => key.includes('node-') && kept.push(JSON.parse(body).why);
  const { session, agent } = start({ recorder: { store: { put }, partMs: 1000, minFreeBytes: 0, over } as never });
  session.arrive('ada', 'bob');
  await agent.recorder?.follow({ id: 'one', startedAt: 1 } as never);
  if (event === 'session-lost') session.depart('ada', 'bob');
  session.emit(event, payload as never);
  await agent.ended;
  await agent.recorder?.kept;
  // Its record, by which who comes into that room within two minutes would be recorded, goes.
  expect([kept.at(-1), over.mock.calls.length]).toEqual([why, why === 'ended' ? 1 : 0]);
});

test('what a person asked for last opens no leg in a room that has ended meanwhile', async () => {
  const { session, agent, room } = start();
  session.arrive('ada');
  session.connect('ada');
  await vi.waitFor(() => expect(session.of('ada', 'answer')).toHaveLength(1));
  const closed = room();
  session.connect('ada', 2);
  session.connect('ada', 3);
  await agent.end('test');
  await sleep(50);
  expect([closed.publishers.size, closed.subscribers.size]).toEqual([0, 0]);
});
