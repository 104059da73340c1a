import { expect, test, vi } from 'vitest';
import { FakeConnection, startSfu } from './fake-connection.ts';

test('a connection that is closed while it takes a description, which then never ends, is not waited for by the next one', async () => {
  vi.useFakeTimers();
  const { sfu, sent, hear } = startSfu();
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [, down] = FakeConnection.all;
  if (down) down.setRemoteDescription = () => new Promise<never>(() => {});
  for (const gen of [1, 2]) {
    hear('agent', 'offer', { sdp: { type: 'offer', sdp: 'down', leg: 'down', gen, tracks: [] } });
    await vi.advanceTimersByTimeAsync(8000);
  }
  expect(sent.filter(({ type }) => type === 'answer').map(({ body }) => body)).toMatchObject([{ sdp: { gen: 2 } }]);
  sfu.close();
  vi.useRealTimers();
});
