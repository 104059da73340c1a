/** What was said before somebody came, as peers tell it. */
import { expect, test } from 'vitest';
import { ChatHistory } from './chat-history.ts';
import type { HistoryLine, PeerMessage } from './peer-input.ts';
import { VirtualTime } from './testing.ts';

const line = (id: string): HistoryLine => ({ id, name: 'Ada', text: `text of ${id}`, at: 1 });

function newcomer() {
  const sent: [string, PeerMessage][] = [];
  const learned: string[] = [];
  const time = new VirtualTime();
  const history = new ChatHistory({
    clock: time,
    send: (peerId, message) => sent.push([peerId, message]),
    learned: (_, lines) => learned.push(...lines.map((one) => one.id)),
  });
  const asked = () => sent.flatMap(([peerId, m]) => (m.tandem === 'history-ask' ? [[peerId, m.id] as const] : []));
  return { sent, learned, time, history, asked };
}

test('each line is learned once, also when its teller says it twice or I have it', () => {
  const { history, learned, asked } = newcomer();
  history.add(line('mine'));
  history.metEarlier('bob');
  const [[, id] = ['', '']] = asked();
  history.take('bob', id, [line('a'), line('a'), line('mine'), line('b')]);
  expect(learned).toEqual(['a', 'b']);
});

test('only the one that was asked is heard, once, and three are asked one after another', async () => {
  const { history, learned, asked, time } = newcomer();
  for (const peerId of ['bob', 'cyd', 'dan', 'eve']) history.metEarlier(peerId);
  const [[, first] = ['', '']] = asked();
  history.take('cyd', first, [line('of another')]);
  history.take('bob', 'guess', [line('guessed')]);
  await time.settle(60_000);
  expect(asked().map(([peerId]) => peerId)).toEqual(['bob', 'cyd', 'dan']);
  history.take('bob', first, [line('late')]);
  expect(learned).toEqual([]);
});

test('who came just before me knows nothing yet: the next one is asked at once', () => {
  const { history, learned, asked } = newcomer();
  for (const peerId of ['bob', 'cyd']) history.metEarlier(peerId);
  const [[, first] = ['', '']] = asked();
  history.take('bob', first, []);
  const [, [, second] = ['', '']] = asked();
  history.take('cyd', second, [line('a')]);
  expect(asked().map(([peerId]) => peerId)).toEqual(['bob', 'cyd']);
  expect(learned).toEqual(['a']);
});

test('a peer gets one answer, the newest lines that fit into a frame of the server', () => {
  const { history, sent } = newcomer();
  for (let n = 0; n < 200; n++) history.add({ ...line(`l${n}`), text: 'ü'.repeat(4000) });
  history.answer('bob', 'q1');
  history.answer('bob', 'q2');
  expect(sent).toHaveLength(1);
  const text = JSON.stringify(sent[0]?.[1]);
  expect(new TextEncoder().encode(text).length).toBeLessThan(64 * 1024);
  expect(text).toContain('"l199"');
});
