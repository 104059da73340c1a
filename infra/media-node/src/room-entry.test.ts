/** W-15: who watches from outside sees people of an open room only, on the fake engine. */
import { expect, test, vi } from 'vitest';
import { RoomAgent } from './room-agent.ts';
import { RoomEntry } from './room-entry.ts';
import { FakeEngine, type FakeRoom } from './testing/fake-engine.ts';
import { FakeSession } from './testing/fake-session.ts';

async function start(stream: boolean) {
  const session = new FakeSession();
  const engine = new FakeEngine();
  const entry = new RoomEntry(session);
  const agent = new RoomAgent({ ...{ roomId: 'r', epoch: 5, session, engine, publishers: 10, entry }, say: () => {} });
  session.arrive('ada');
  session.connect('ada');
  if (stream) {
    session.peers.set('obs', { peerId: 'obs', metadata: { stream: true } });
    session.emit('peer-joined', { peer: { peerId: 'obs', metadata: { stream: true } }, before: false });
    session.connect('obs');
  }
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  await vi.waitFor(() => expect(room().publishers.size).toBe(stream ? 2 : 1));
  const say = (is: 'open' | 'ask' | 'locked') =>
    session.emit('entry', { entry: is, share: true, chat: true, look: true, waiting: [] });
  const ends: string[] = [];
  const watch = () =>
    agent.viewers.watch('v=0', {
      ...{ onCandidate: () => {}, onLive: () => {}, onLayer: () => {} },
      onLost: (why) => ends.push(why),
    });
  const ports = { audio: 1, video: 2 } as never;
  return { agent, say, watch, ends, ports };
}

test.each(['ask', 'locked'] as const)('people are not shown when the room is %s, from then on', async (entry) => {
  const { agent, say, watch, ends, ports } = await start(false);
  await watch();
  const forwarding = await agent.viewers.forward(ports, () => 1);
  expect(agent.viewers.count).toBe(2);
  say(entry);
  expect(ends).toEqual(['the room is not open to everybody']);
  await forwarding.ended;
  await vi.waitFor(() => expect(agent.viewers.count).toBe(0));
  expect(await agent.viewers.isLive()).toBe(false);
  await expect(watch()).rejects.toMatchObject({ code: 'gone' });
  await expect(agent.viewers.forward(ports, () => 1)).rejects.toMatchObject({ code: 'gone' });
  say('open');
  await watch();
  await agent.end('test');
});

test('one that is closed while the leg of a viewer or what is forwarded begins shows nothing', async () => {
  const { agent, say, watch, ports } = await start(false);
  const [leg, forwarding] = [watch(), agent.viewers.forward(ports, () => 1)];
  say('ask');
  await expect(leg).rejects.toMatchObject({ code: 'gone' });
  await expect(forwarding).rejects.toMatchObject({ code: 'gone' });
  expect(agent.viewers.count).toBe(0);
  await agent.end('test');
});

test('the stream of an encoder is shown in a closed room', async () => {
  const { agent, say, watch, ends } = await start(true);
  say('locked');
  await watch();
  expect([agent.viewers.layersOf('obs'), agent.viewers.layersOf('ada')]).toEqual([['high'], []]);
  expect(ends).toEqual([]);
  await agent.end('test');
});

test('a room that was closed before the agent listened shows nobody', async () => {
  const session = new FakeSession();
  const entry = new RoomEntry(session);
  session.emit('entry', { entry: 'ask', share: true, chat: true, look: true, waiting: [] });
  const engine = new FakeEngine();
  const agent = new RoomAgent({ ...{ roomId: 'r', epoch: 5, session, engine, publishers: 10, entry }, say: () => {} });
  session.arrive('ada');
  session.connect('ada');
  await vi.waitFor(() => expect([...engine.rooms.values()][0]?.publishers.size).toBe(1));
  expect(await agent.viewers.isLive()).toBe(false);
  await agent.end('test');
});
