import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { soundBlocks } from './sound-blocks.ts';

/** Stands in for what a browser has for sound: a context that runs when the test says so. */
class FakeContext {
  static made: FakeContext[] = [];
  state = 'suspended';
  resumed = 0;
  isClosed = false;
  readonly destination = {};
  readonly audioWorklet = { addModule: async () => {} };
  constructor() {
    FakeContext.made.push(this);
  }
  createMediaStreamSource = () => new FakeNode();
  resume() {
    this.resumed += 1;
    // As in Firefox without an output.
    return new Promise<void>(() => {});
  }
  async close() {
    this.isClosed = true;
  }
}

class FakeNode {
  static last: FakeNode;
  readonly port: { onmessage: ((event: { data: ArrayBuffer }) => void) | null } = { onmessage: null };
  constructor() {
    FakeNode.last = this;
  }
  connect = (next: unknown) => next;
  disconnect() {}
}

const page = new EventTarget();
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('AudioContext', FakeContext);
  vi.stubGlobal('BiquadFilterNode', FakeNode);
  vi.stubGlobal('AudioWorkletNode', FakeNode);
  vi.stubGlobal('MediaStream', class {});
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  FakeContext.made = [];
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function begin() {
  const silent = vi.fn();
  const taken: ArrayBuffer[] = [];
  const end = await soundBlocks({} as MediaStreamTrack, (block) => taken.push(block), silent);
  const [context = expect.fail('no context')] = FakeContext.made;
  const give = () => FakeNode.last.port.onmessage?.({ data: new ArrayBuffer(4096) });
  return { silent, taken, end, context, give };
}

test('a context that never runs: it is said once, and each gesture asks it to', async () => {
  const { silent, context, end } = await begin();
  expect(context.resumed).toBe(1);
  vi.advanceTimersByTime(4000);
  expect(silent).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(silent).toHaveBeenCalledOnce();
  page.dispatchEvent(new Event('keydown'));
  page.dispatchEvent(new Event('pointerup'));
  expect(context.resumed).toBe(3);
  end();
  page.dispatchEvent(new Event('keydown'));
  vi.advanceTimersByTime(60_000);
  expect([context.resumed, context.isClosed]).toEqual([3, true]);
});

test('sound that comes is silence to nothing; when it stops in the middle that is said, each time anew', async () => {
  const { silent, taken, give, end } = await begin();
  for (let i = 0; i < 100; i++) {
    give();
    vi.advanceTimersByTime(128);
  }
  expect([taken.length, silent.mock.calls.length]).toEqual([100, 0]);
  vi.advanceTimersByTime(60_000);
  expect(silent).toHaveBeenCalledTimes(1);
  give();
  vi.advanceTimersByTime(60_000);
  expect(silent).toHaveBeenCalledTimes(2);
  end();
  vi.advanceTimersByTime(60_000);
  expect(silent).toHaveBeenCalledTimes(2);
});
