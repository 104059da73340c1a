/** Which sizes of a camera its sender is told to send: what people receive, and what leaves the room. */
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PersonLegs } from './person-legs.ts';
import { RoomAgent } from './room-agent.ts';
import { FakeEngine, type FakeRoom } from './testing/fake-engine.ts';
import { FakeSession } from './testing/fake-session.ts';

/** Sizes that this person was told to send, in order. */
const toldTo = (session: FakeSession, peerId: string) =>
  session
    .of(peerId, 'media-state')
    .map((s) => s.body as unknown as { state: { mode: string; send: string[] } })
    .filter(({ state }) => state.mode === 'layers')
    .map(({ state }) => state.send.join());

test('publishers are told which sizes anybody receives, and hear it at once when a larger one is wanted', async () => {
  const session = new FakeSession();
  const agent = new RoomAgent({
    roomId: 'r',
    epoch: 5,
    session,
    engine: new FakeEngine(),
    publishers: 10,
    say: () => {},
  });
  session.arrive('ada', 'bob', 'eve');
  for (const id of ['ada', 'bob', 'eve']) session.connect(id);
  const want = (peerId: string, layer: string) =>
    session.emit('signal', {
      type: 'media-want',
      peerId,
      want: { gen: 1, others: 'high', layers: [{ peerId: 'bob', slot: 'video', layer }] },
    });
  want('ada', 'low');
  want('eve', 'off');
  const told = () => toldTo(session, 'bob');
  await vi.waitFor(() => expect(told()).toEqual(['low']), { timeout: 10_000 });
  want('eve', 'high');
  await vi.waitFor(() => expect(told()).toEqual(['low', 'high,low']));
  await agent.end('test');
});

test('who is alone in the room and watched from outside goes on sending, to viewers and to a packager', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const session = new FakeSession();
  const engine = new FakeEngine();
  const agent = new RoomAgent({ roomId: 'r', epoch: 5, session, engine, publishers: 10, say: () => {} });
  const told = () => toldTo(session, 'ada');
  const events = { onCandidate: () => {}, onLive: () => {}, onLost: () => {} };
  session.arrive('ada');
  session.connect('ada');
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  while (!room()?.isLive('ada')) await setImmediate();
  const viewer = await agent.viewers.watch('v=0', events);
  await vi.advanceTimersByTimeAsync(3000);
  expect(told()).toEqual(['high,low']);
  // Its line carries less: the larger sizes rest, and come back at once.
  const [seen] = room().viewers.keys();
  seen?.carries('mid');
  await vi.advanceTimersByTimeAsync(3000);
  expect(told()).toEqual(['high,low', 'mid,low']);
  seen?.carries('high');
  expect(told()).toEqual(['high,low', 'mid,low', 'high,low']);
  await viewer.close();
  seen?.carries('mid');
  await vi.advanceTimersByTimeAsync(3000);
  expect(told()).toEqual(['high,low', 'mid,low', 'high,low', '']);
  const forwarding = await agent.viewers.forward({ audio: 9, video: 9 }, () => 1);
  expect(told().at(-1)).toBe('high,low');
  await forwarding.close();
  await vi.advanceTimersByTimeAsync(3000);
  expect(told().at(-1)).toBe('');
  await agent.end('test');
});

test('a viewer who comes, changes its size or goes is work for the one whom it watches, and not for the whole room', async () => {
  const session = new FakeSession();
  const engine = new FakeEngine();
  const agent = new RoomAgent({ roomId: 'r', epoch: 5, session, engine, publishers: 10, say: () => {} });
  session.arrive('ada', ...Array.from({ length: 30 }, (_, i) => `listener-${i}`));
  session.connect('ada');
  const room = () => [...engine.rooms.values()][0] as FakeRoom;
  await vi.waitFor(() => expect(room()?.isLive('ada')).toBe(true));
  const asked = vi.spyOn(PersonLegs.prototype, 'layerOf');
  onTestFinished(() => asked.mockRestore());
  const viewer = await agent.viewers.watch('v=0', { onCandidate: () => {}, onLive: () => {}, onLost: () => {} });
  for (const seen of room().viewers.keys()) seen.carries('mid');
  await viewer.close();
  expect(asked).toHaveBeenCalledTimes(3 * 30);
  await agent.end('test');
});
