/** What a room that moves to another media node shows meanwhile, with connections that only count. Real ones: `npm run bench -- moves`. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeConnection, startSfu } from './fake-connection.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const camera = { enabled: true };
const tracks = [
  { mid: '0', peerId: 'bob', slot: 'audio' },
  { mid: '1', peerId: 'bob', slot: 'video' },
];

/** Bob is served by a node; `serve` has another one call, and bring the first frame of him. */
async function startMove() {
  const room = startSfu({ track: (slot) => (slot === 'video' ? (camera as unknown as MediaStreamTrack) : null) });
  const serve = async (peerId: string, epoch: number) => {
    room.sfu.set({ peerId, epoch });
    await vi.advanceTimersByTimeAsync(0);
    const [up, down] = FakeConnection.all.slice(-2) as [FakeConnection, FakeConnection];
    up.connect();
    room.hear(peerId, 'offer', { sdp: { type: 'offer', sdp: 'v=0', leg: 'down', gen: 1, n: 1, tracks } });
    down.connect();
    await vi.advanceTimersByTimeAsync(0);
    down.frames = 1;
    await vi.advanceTimersByTimeAsync(50);
    return down;
  };
  const old = await serve('a5', 5);
  room.hear('bob', 'media-state', { state: { mode: 'served', epoch: 5 } });
  expect([room.served, room.shown]).toEqual([['bob'], ['audio', 'video']]);
  return { ...room, old, serve };
}

test('a picture that moves is replaced a little after the other node’s begins, sound at once', async () => {
  const { sfu, shown, old, serve } = await startMove();
  old.lastPacket = performance.timeOrigin + performance.now() - 400;
  await serve('a6', 6);
  expect(shown).toEqual(['audio', 'video', 'audio']);
  await vi.advanceTimersByTimeAsync(500);
  expect(shown).toEqual(['audio', 'video', 'audio']);
  await vi.advanceTimersByTimeAsync(100);
  expect(shown).toEqual(['audio', 'video', 'audio', 'video']);
  sfu.close();
});

test('a picture that stands still, as its node is dead, is replaced at once', async () => {
  const { sfu, shown, old, serve } = await startMove();
  old.lastPacket = performance.timeOrigin + performance.now() - 600;
  await serve('a6', 6);
  expect(shown).toEqual(['audio', 'video', 'audio', 'video']);
  sfu.close();
});

test('the connections to the node before send nothing from then on, and are closed when that is in nothing’s way', async () => {
  const { sfu, hear, sent, serve } = await startMove();
  await serve('a6', 6);
  const before = FakeConnection.all.slice(0, 2);
  const senders = () => before.flatMap((pc) => pc.getSenders().map(({ track }) => track));
  expect(senders()).toContain(camera);
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 6 } });
  expect(sent.at(-1)).toMatchObject({ to: 'a5', body: { state: { mode: 'gone' } } });
  expect(senders().filter(Boolean)).toEqual([]);
  await vi.advanceTimersByTimeAsync(900);
  expect(before.map(({ closed }) => closed)).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(1200);
  expect(FakeConnection.all.map(({ closed }) => closed)).toEqual([true, true, false, false]);
  sfu.close();
  expect(FakeConnection.all.every(({ closed }) => closed)).toBe(true);
});

test('a room that moves once more before the next node serves keeps what does', async () => {
  const { sfu, shown, old, serve } = await startMove();
  sfu.set({ peerId: 'a6', epoch: 6 });
  await vi.advanceTimersByTimeAsync(0);
  const skipped = FakeConnection.all.slice(-2);
  old.lastPacket = performance.timeOrigin + performance.now() - 600;
  await serve('a7', 7);
  expect([old.closed, skipped.map(({ closed }) => closed)]).toEqual([false, [true, true]]);
  expect(shown).toEqual(['audio', 'video', 'audio', 'video']);
  sfu.close();
});

test('a next node that goes before it serves takes nothing away: what the node before brings stays until pairs do', async () => {
  const { sfu, hear, unserved, old } = await startMove();
  sfu.set({ peerId: 'a6', epoch: 6 });
  await vi.advanceTimersByTimeAsync(0);
  const gone = FakeConnection.all.slice(-2);
  hear('a6', 'media-state', { state: { mode: 'closing', epoch: 6 } });
  expect(unserved).toEqual(['bob']);
  expect([old.closed, gone.map(({ closed }) => closed)]).toEqual([false, [true, true]]);
  await vi.advanceTimersByTimeAsync(8000);
  expect(old.closed).toBe(true);
  sfu.close();
});
