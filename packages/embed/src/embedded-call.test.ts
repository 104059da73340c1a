/** When methods wait for the frame. What the browser decides (who may frame, who gets the channel): test/embed.test.ts. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EmbeddedCall } from './embedded-call.ts';

const ORIGIN = 'https://calls.example.org';

/** The window of the frame: says that it is there, and, given the channel, that its devices are off. */
class FrameWindow {
  takesThePage = true;
  #port: MessagePort | undefined;

  load(): void {
    this.crash();
    const hello = { source: this, origin: ORIGIN, data: { tandem: 'frame', version: 1 } };
    dispatchEvent(Object.assign(new Event('message'), hello));
  }

  postMessage(_connect: unknown, _origin: string, [port]: [MessagePort]): void {
    this.#port = port;
    port.onmessage = ({ data }) => port.postMessage({ id: data.id });
    if (this.takesThePage) this.speak();
  }

  speak(): void {
    this.#port?.postMessage({ event: 'media', data: { audio: false, video: false } });
  }

  enter(): void {
    this.#port?.postMessage({ event: 'joined', data: {} });
  }

  crash(): void {
    this.#port?.close();
  }
}

let frame: FrameWindow;
let call: EmbeddedCall;
beforeEach(() => {
  const page = new EventTarget();
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const)
    vi.stubGlobal(name, page[name].bind(page));
  vi.stubGlobal('location', { origin: 'https://clinic.example.org' });
  frame = new FrameWindow();
  vi.stubGlobal('document', { createElement: () => ({ contentWindow: frame, remove: () => {} }) });
  const container = { append: () => {} } as unknown as Element;
  call = new EmbeddedCall(container, { url: ORIGIN, roomId: 'visit', readyTimeout: 50 });
});
afterEach(() => {
  call.remove();
  vi.unstubAllGlobals();
});

test.each<[string, () => unknown]>([
  ['comes after the time that it has', () => frame.load()],
  [
    'says its first word after the time that it has',
    async () => {
      const heard = new Promise((resolve) => call.on('media', resolve));
      frame.speak();
      await heard;
    },
  ],
])('a frame that %s is a frame: methods work from then on', async (what, arrive) => {
  if (what.startsWith('says')) {
    frame.takesThePage = false;
    frame.load();
  }
  await expect(call.leave()).rejects.toMatchObject({ code: 'not_ready' });
  await arrive();
  await expect(call.leave()).resolves.toBeUndefined();
});

test('a frame that crashed, and loads again after the time that it has, is a frame too', async () => {
  frame.load();
  await call.leave();
  const gone = new Promise((resolve) => call.on('left', resolve));
  const joined = new Promise((resolve) => call.on('joined', resolve));
  frame.enter();
  await joined;
  frame.crash();
  expect(await gone).toEqual({ reason: 'gone' });
  await expect(call.leave()).rejects.toMatchObject({ code: 'not_ready' });
  frame.load();
  await expect(call.leave()).resolves.toBeUndefined();
});
