/** What was said before somebody came, as peers tell it. */
import { afterEach, expect, test, vi } from 'vitest';
import { ChatHistory } from './chat-history.ts';
import type { HistoryLine, PeerMessage } from './peer-input.ts';
import { VirtualTime } from './testing.ts';

const line = (id: string): HistoryLine => ({ id, name: 'Ada', text: `text of ${id}`, at: 1 });

interface Told {
  readonly at: number;
  readonly peerId: string;
  readonly message: PeerMessage;
}

/** @param random which of those who could be asked is, 0 to 1 */
function newcomer({ random = 0, trusted }: { random?: number; trusted?: readonly string[] } = {}) {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  const sent: Told[] = [];
  const learned: string[] = [];
  const time = new VirtualTime();
  const history = new ChatHistory({
    clock: time,
    send: (peerId, message) => sent.push({ at: time.now(), peerId, message }),
    isTrusted: (peerId) => trusted?.includes(peerId) ?? true,
    learned: (_, lines) => learned.push(...lines.map((one) => one.id)),
  });
  const meet = (...peerIds: string[]) => {
    for (const peerId of peerIds) history.metEarlier(peerId);
    time.run(1000);
  };
  const asked = () =>
    sent.flatMap(({ peerId, message: m }) => (m.tandem === 'history-ask' ? [[peerId, m.id] as const] : []));
  return { sent, learned, time, history, asked, meet };
}

afterEach(() => vi.restoreAllMocks());

test('each line is learned once, also when its teller says it twice or I have it', () => {
  const { history, learned, asked, meet } = newcomer();
  history.add(line('mine'), 'me');
  meet('bob');
  const [[, id] = ['', '']] = asked();
  history.take('bob', id, [line('a'), line('a'), line('mine'), line('b')]);
  expect(learned).toEqual(['a', 'b']);
});

test('only the one that was asked is heard, once, and eight are asked one after another', async () => {
  const { history, learned, asked, time, meet } = newcomer();
  const eight = Array.from({ length: 8 }, (_, n) => `p${n}`);
  meet(...eight, 'ninth');
  const [[, first] = ['', '']] = asked();
  history.take('p1', first, [line('of another')]);
  history.take('p0', 'guess', [line('guessed')]);
  await time.settle(60_000);
  expect(asked().map(([peerId]) => peerId)).toEqual(eight);
  history.take('p0', first, [line('late')]);
  expect(learned).toEqual([]);
});

test('where none answered, those who are met in a new session are asked, eight in all', async () => {
  const { asked, time, meet } = newcomer();
  meet('gone');
  await time.settle(60_000);
  const more = Array.from({ length: 9 }, (_, n) => `p${n}`);
  meet(...more.slice(0, 3));
  await time.settle(60_000);
  meet(...more.slice(3));
  await time.settle(60_000);
  meet('late');
  await time.settle(60_000);
  expect(asked().map(([peerId]) => peerId)).toEqual(['gone', ...more.slice(0, 7)]);
});

test('who came just before me knows nothing yet: the next one is asked at once', () => {
  const { history, learned, asked, meet } = newcomer();
  meet('bob', 'cyd');
  const [[, first] = ['', '']] = asked();
  history.take('bob', first, []);
  const [, [, second] = ['', '']] = asked();
  history.take('cyd', second, [line('a')]);
  expect(asked().map(([peerId]) => peerId)).toEqual(['bob', 'cyd']);
  expect(learned).toEqual(['a']);
});

test('a crowd asks different people, and those whose word is not taken are not asked', () => {
  const asks = (random: number, trusted?: readonly string[]) => {
    const { asked, meet } = newcomer({ random, ...(trusted ? { trusted } : {}) });
    meet('ada', 'bob', 'cyd', 'dan');
    return asked().map(([peerId]) => peerId);
  };
  expect([0, 0.3, 0.6, 0.99].map((random) => asks(random))).toEqual([['ada'], ['bob'], ['cyd'], ['dan']]);
  expect(asks(0.1, ['cyd'])).toEqual(['cyd']);
  expect(asks(0.1, [])).toEqual([]);
});

test('who left by then is asked for nothing, and told nothing', () => {
  const { history, asked, meet, sent, time } = newcomer();
  history.metEarlier('bob');
  history.forget('bob');
  meet();
  expect(asked()).toEqual([]);
  for (const peerId of ['cyd', 'dan']) history.answer(peerId, 'q');
  history.forget('dan');
  time.run(60_000);
  expect(sent.map(({ peerId }) => peerId)).toEqual(['cyd']);
});

test('a peer gets one answer, the newest lines that fit into a frame of the server, sealed or not', () => {
  const { history, sent } = newcomer();
  for (let n = 0; n < 200; n++) history.add({ ...line(`l${n}`), text: 'ü'.repeat(500) }, 'ada');
  history.answer('bob', 'q1');
  history.answer('bob', 'q2');
  expect(sent).toHaveLength(1);
  const text = JSON.stringify(sent[0]?.message);
  const bytes = new TextEncoder().encode(text).length;
  // Sealed it is base64, with a nonce, a tag, and the envelope of the server.
  expect((bytes + 100) * (4 / 3) + 500).toBeLessThan(64 * 1024);
  expect(text).toContain('"l199"');
});

test.each([
  ['long', 1, 'x'.repeat(4000)],
  ['empty', 3, ''],
])('who writes %s lines without end leaves others and what was before their share', (_name, users, text) => {
  const { history, sent, asked, meet } = newcomer();
  meet('bob');
  const [[, id] = ['', '']] = asked();
  history.take('bob', id, [line('before')]);
  for (let n = 0; n < 20; n++) history.add({ ...line(`ada${n}`), text: 'a word or two '.repeat(10) }, 'ada');
  for (let n = 0; n < 1000; n++) history.add({ ...line(`eve${n}`), name: `${n}`, text }, `eve${n % users}`);
  history.answer('cyd', 'q');
  const told = sent.flatMap(({ message: m }) => (m.tandem === 'history' ? m.lines.map((one) => one.id) : []));
  expect(told.slice(0, 21)).toEqual(['before', ...Array.from({ length: 20 }, (_line, n) => `ada${n}`)]);
  expect(told.at(-1), 'and the newest of it').toBe('eve999');
  expect(told.length).toBeLessThanOrEqual(200);
});

test('200 lines are kept, the newest', () => {
  const { history, sent } = newcomer();
  for (let n = 0; n < 300; n++) history.add(line(`l${n}`), 'ada');
  history.answer('bob', 'q');
  const [told] = sent.flatMap(({ message: m }) => (m.tandem === 'history' ? [m.lines.map((one) => one.id)] : []));
  expect([told?.length, told?.[0], told?.at(-1)]).toEqual([200, 'l100', 'l299']);
});

test('a crowd that asks me is answered as fast as the server takes it of one connection, and as long as it waits', () => {
  const { history, sent, time } = newcomer();
  for (let n = 0; n < 200; n++) history.add({ ...line(`l${n}`), text: 'x'.repeat(300) }, 'ada');
  for (let n = 0; n < 100; n++) history.answer(`p${n}`, 'q');
  time.run(60_000);
  const bytes = sent.map(({ message }) => JSON.stringify(message).length);
  const inSecond = (second: number) =>
    sent.reduce((sum, { at }, n) => sum + (Math.floor(at / 1000) === second ? (bytes[n] ?? 0) : 0), 0);
  expect(Math.max(inSecond(0), inSecond(1), inSecond(2))).toBeLessThan(200 * 1024);
  expect(Math.max(...sent.map(({ at }) => at))).toBeLessThan(4000);
  expect(sent.length).toBeGreaterThanOrEqual(8);
  // Who came too late then may ask again.
  history.answer('p99', 'q2');
  expect(sent.at(-1)?.peerId).toBe('p99');
});
