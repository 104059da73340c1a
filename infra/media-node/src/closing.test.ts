/** How a room leaves a node whose successor does not come: its agent on the fake engine. */
import { expect, test, vi } from 'vitest';
import { RoomAgent } from './room-agent.ts';
import { FakeEngine } from './testing/fake-engine.ts';
import { FakeSession } from './testing/fake-session.ts';

function start() {
  const session = new FakeSession();
  const engine = new FakeEngine();
  const agent = new RoomAgent({
    ...{ roomId: 'r', epoch: 5, session, engine, publishers: 10, closingMs: 100, say: () => {} },
  });
  session.arrive('ada');
  const said = () =>
    session.of('ada', 'media-state').map(({ body }) => (body as unknown as { state: { mode: string } }).state.mode);
  return { session, agent, said };
}

test('a room that waits for a node that does not come is asked to connect by pairs, once, and ends', async () => {
  const { agent, said } = start();
  agent.release('node');
  agent.release('node');
  expect([agent.isWaiting, said()]).toEqual([true, ['moving']]);
  agent.release('mesh');
  agent.release('mesh');
  agent.release('node');
  expect([agent.isWaiting, said()]).toEqual([false, ['moving', 'closing']]);
  await agent.ended;
});

test('one whose next node is in the room goes there', async () => {
  const { session, agent, said } = start();
  agent.release('node');
  session.media = { epoch: 6 };
  session.emit('media', { media: { peerId: 'media~2', epoch: 6 } });
  agent.release('mesh');
  expect([agent.isWaiting, said()]).toEqual([false, ['moving']]);
  await vi.waitFor(() => expect(agent.state).toBe('ended'));
});
