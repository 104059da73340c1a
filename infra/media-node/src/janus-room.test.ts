/** What a room asks of Janus when that does not answer; what it does when not is in the engine's contract. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { EngineError } from './engine.ts';
import type { HandleEvents, JanusClient } from './janus-client.ts';
import { JanusRoom } from './janus-room.ts';

/** @param late to how many requests to begin or end a recording Janus is late */
async function room(late: number) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: (string | false)[] = [];
  let left = late;
  const handle = {
    message: async ({ record, filename }: { record?: boolean; filename?: string }) => {
      if (record === undefined) return { data: {}, sdp: 'v=0' };
      asked.push(filename ?? false);
      if (left-- > 0) throw new EngineError('timeout', 'janus did not answer message');
      return { data: {} };
    },
    detach: async () => {},
  };
  const handles: HandleEvents[] = [];
  const attach = async (_plugin: string, events: HandleEvents) => {
    handles.push(events);
    return handle;
  };
  const made = new JanusRoom({ attach } as unknown as JanusClient, 'room', () => {});
  await made.open(10, '/recordings');
  const comes = async (id: string) => {
    const leg = await made.publish(id, { onCandidate: () => {}, onLive: () => {}, onLost: () => {} });
    handles.at(-1)?.onFrame({ janus: 'webrtcup' });
    return leg;
  };
  const isLate = (times: number) => {
    left = times;
  };
  return { room: made, comes, asked, late: isLate };
}

test('R-6 a person whose recording Janus does not begin in time is asked for again, by the same name', async () => {
  const { room: one, comes, asked } = await room(2);
  let n = 0;
  await comes('ada');
  // The recorder hears of it, once.
  await expect(one.record((id) => `${id}-${++n}`)).rejects.toThrow('did not answer');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toEqual(['ada-1', 'ada-1', 'ada-1']);
  await comes('bob');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.slice(3)).toEqual(['bob-2']);
});

test('R-1 so is the end of a recording, also of one whose beginning Janus has not answered and may carry out yet', async () => {
  const { room: one, comes, asked } = await room(1);
  await comes('ada');
  await expect(one.record((id) => id)).rejects.toThrow('did not answer');
  await one.record(undefined);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toEqual(['ada', false]);

  const other = await room(0);
  await other.comes('ada');
  await other.room.record((id) => id);
  other.late(1);
  await expect(other.room.record(undefined)).rejects.toThrow('did not answer');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(other.asked).toEqual(['ada', false, false]);
});
