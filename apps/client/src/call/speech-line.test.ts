import { CAPTIONS_CLOSE } from '@tandem/protocol/captions';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SpeechLine } from './speech-line.ts';

/** Stands in for the browser's WebSocket; the test is the service. */
class FakeSocket {
  static made: FakeSocket[] = [];
  bufferedAmount = 0;
  sent: unknown[] = [];
  closedWith: number | undefined;
  onopen = () => {};
  onmessage = (_event: { data: unknown }) => {};
  onclose = (_event: { code: number }) => {};
  readonly url: string;
  readonly protocols: string[];
  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.made.push(this);
  }
  send(data: unknown) {
    this.sent.push(data);
  }
  close(code: number) {
    this.closedWith = code;
  }
}

const block = () => new ArrayBuffer(4096);
const made = FakeSocket.made;
const last = () => made.at(-1) as FakeSocket;

function line(getToken: () => Promise<string> = async () => 'x.y.z') {
  const heard: [string, boolean][] = [];
  let away = 0;
  const speech = new SpeechLine({
    url: 'wss://calls.example.org/captions?lang=en',
    getToken,
    heard: (text, isFinal) => heard.push([text, isFinal]),
    away: () => away++,
  });
  return { speech, heard, away: () => away };
}

/** The line asks for a token, and opens. */
async function opened(speech: SpeechLine): Promise<FakeSocket> {
  speech.send(block());
  await vi.advanceTimersByTimeAsync(0);
  const socket = last();
  socket.onopen();
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  made.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('opens with the first sound, keeps two seconds of it until then, and has the token in no address', async () => {
  const { speech, heard } = line();
  for (let i = 0; i < 20; i++) speech.send(block());
  await vi.advanceTimersByTimeAsync(0);
  expect(made).toHaveLength(1);
  expect(last().url).not.toContain('x.y.z');
  expect(last().protocols).toEqual(['captions.v1', 'bearer.x.y.z']);
  last().onopen();
  expect(last().sent).toHaveLength(16);
  last().onmessage({ data: '{"partial":"good"}' });
  last().onmessage({ data: '{"text":"good morning"}' });
  for (const odd of ['{', 'null', '[]', '{"text":7}', new ArrayBuffer(2), `{"text":"${'x'.repeat(9000)}"}`])
    last().onmessage({ data: odd });
  expect(heard).toEqual([
    ['good', false],
    ['good morning', true],
  ]);
});

test('a slow line loses sound, and keeps none', async () => {
  const { speech } = line();
  const socket = await opened(speech);
  socket.bufferedAmount = 64_000;
  speech.send(block());
  expect(socket.sent).toHaveLength(1);
  socket.bufferedAmount = 0;
  speech.send(block());
  expect(socket.sent).toHaveLength(2);
});

test('switched off while the token comes, while the socket opens, and after it: nothing goes on', async () => {
  let give = (_token: string) => {};
  const early = line(
    () =>
      new Promise((done) => {
        give = done;
      }),
  );
  early.speech.send(block());
  early.speech.close();
  give('x.y.z');
  await vi.advanceTimersByTimeAsync(0);
  expect(made).toHaveLength(0);

  const { speech, heard, away } = line();
  speech.send(block());
  await vi.advanceTimersByTimeAsync(0);
  speech.close();
  last().onopen();
  last().onmessage({ data: '{"text":"late"}' });
  last().onclose({ code: 1006 });
  speech.send(block());
  await vi.advanceTimersByTimeAsync(600_000);
  expect([made.length, last().sent.length, last().closedWith, heard.length, away()]).toEqual([1, 0, 1000, 0, 0]);
});

test('a recognizer that is away is asked again ever more seldom, and only when there is sound', async () => {
  const { speech, away } = line();
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    (await opened(speech)).onclose({ code: CAPTIONS_CLOSE.recognizer });
    const before = made.length;
    let waited = 0;
    while (made.length === before) {
      waited += 1000;
      await vi.advanceTimersByTimeAsync(1000);
      speech.send(block());
      await vi.advanceTimersByTimeAsync(0);
    }
    waits.push(waited);
    // The next turn opens it; this one is refused.
    last().onclose({ code: 1006 });
    await vi.advanceTimersByTimeAsync(600_000);
  }
  expect(waits[0]).toBeGreaterThanOrEqual(11_000);
  expect(Math.max(...waits)).toBeGreaterThan(200_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(376_000);
  expect(away()).toBe(16);
});

test('a token that ran out and a task that goes away cost a moment; one that is refused ends it; idleness ends nothing', async () => {
  const { speech, away } = line();
  (await opened(speech)).onclose({ code: CAPTIONS_CLOSE.tokenExpired });
  await vi.advanceTimersByTimeAsync(3000);
  const second = await opened(speech);
  expect(made).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(31_000);
  second.onclose({ code: CAPTIONS_CLOSE.idle });
  const third = await opened(speech);
  expect([made.length, away()]).toEqual([3, 0]);
  third.onclose({ code: CAPTIONS_CLOSE.tokenRefused });
  await vi.advanceTimersByTimeAsync(600_000);
  speech.send(block());
  await vi.advanceTimersByTimeAsync(0);
  expect([made.length, away()]).toEqual([3, 1]);
});

test('a good line that breaks without a word costs a moment; one that breaks at once, and a service that is away, cost longer', async () => {
  const { speech, away } = line();
  const good = await opened(speech);
  await vi.advanceTimersByTimeAsync(31_000);
  good.onclose({ code: 1006 });
  await vi.advanceTimersByTimeAsync(3000);
  const again = await opened(speech);
  expect([made.length, away()]).toEqual([2, 0]);
  again.onclose({ code: 1006 });
  await vi.advanceTimersByTimeAsync(3000);
  speech.send(block());
  await vi.advanceTimersByTimeAsync(0);
  expect([made.length, away()]).toEqual([2, 1]);
  // The first of the longer waits.
  await vi.advanceTimersByTimeAsync(16_000);
  await opened(speech);
  expect(made).toHaveLength(3);
});

test('no token: asked again later', async () => {
  let refused = true;
  const { speech, away } = line(async () => {
    if (refused) throw new Error('auth is away');
    return 'x.y.z';
  });
  speech.send(block());
  await vi.advanceTimersByTimeAsync(0);
  expect([made.length, away()]).toEqual([0, 1]);
  refused = false;
  await vi.advanceTimersByTimeAsync(20_000);
  await opened(speech);
  expect(made).toHaveLength(1);
});
