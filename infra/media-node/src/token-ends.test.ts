/** Whose token is over, in the agent of a room, on the fake engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { RoomAgent } from './room-agent.ts';
import { FakeEngine, type FakeRoom } from './testing/fake-engine.ts';
import { FakeSession } from './testing/fake-session.ts';
import { TokenEnds } from './token-ends.ts';

function start() {
  const session = new FakeSession();
  const engine = new FakeEngine();
  const tokenEnds = new TokenEnds(session);
  const agent = new RoomAgent({ roomId: 'r', epoch: 5, session, tokenEnds, engine, publishers: 10, say: () => {} });
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  return { session, agent, room };
}

test('S-127 whose token is over while it is away is sent nothing and passed on to nobody, until it is back', async () => {
  const { session, room, agent } = start();
  const says = (data: unknown) => session.emit('server-message', { topic: 'token-ends', data });
  const isAway = (away: boolean) => session.peers.set('ada', { peerId: 'ada', away });
  session.arrive('ada', 'bob');
  for (const who of ['ada', 'bob']) {
    session.connect(who);
    await vi.waitFor(() => expect(session.of(who, 'answer')).toHaveLength(1));
  }
  const layers = (of: string, from: string) => room().subscribers.get(of)?.layers.get(`video ${from}`);
  await vi.waitFor(() => expect([layers('ada', 'bob'), layers('bob', 'ada')]).toEqual(['high', 'high']));
  const passes = () => [room().publishers.get('ada')?.muted === false, layers('ada', 'bob') !== 'off'];
  // Of somebody who is not away, signaling takes care; what says nothing changes nothing.
  for (const data of [{ ada: Date.now() - 1 }, null, 'ada', { ada: 'now' }]) says(data);
  expect(passes()).toEqual([true, true]);
  isAway(true);
  says({ ada: Date.now() + 50 });
  expect(passes()).toEqual([true, true]);
  await vi.waitFor(() => expect(passes()).toEqual([false, false]));
  expect([room().publishers.get('bob')?.muted, layers('bob', 'ada')]).toEqual([false, 'high']);
  // What it asks for waits, and a later comer brings it nothing.
  session.connect('ada', 2);
  session.arrive('eve');
  await sleep(20);
  expect(session.of('ada', 'answer')).toHaveLength(1);
  expect(passes()).toEqual([false, false]);
  isAway(false);
  session.emit('peer-back', { peer: { peerId: 'ada' } });
  await vi.waitFor(() => expect(session.of('ada', 'answer')).toHaveLength(2));
  expect(passes()).toEqual([true, true]);
  await agent.end('test');
});

test('S-127 a viewer is not shown one whose token is over', async () => {
  const { session, room, agent } = start();
  session.arrive('ada', 'bob');
  for (const who of ['ada', 'bob']) session.connect(who);
  await vi.waitFor(() => expect([room().isLive('ada'), room().isLive('bob')]).toEqual([true, true]));
  session.peers.set('ada', { peerId: 'ada', away: true });
  session.emit('server-message', { topic: 'token-ends', data: { ada: Date.now() - 1 } });
  const events = { onCandidate: () => {}, onLive: () => {}, onLost: () => {} };
  await agent.viewers.watch('v=0', events);
  expect([...room().viewers.values()]).toEqual(['bob']);
  await agent.end('test');
});
