/** What a hostile participant sends: every reader at the SDK's border, with the corpus of test/corpus and random JSON. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallEvents } from './call-types.ts';
import { Chat, type ChatPeer } from './chat.ts';
import {
  type PeerMessage,
  readCandidate,
  readDescription,
  readFileName,
  readMetadata,
  readPeerMessage,
} from './peer-input.ts';
import type { RemoteView } from './quality.ts';
import { RoomView } from './room-view.ts';
import { VirtualTime } from './testing.ts';
import { peerMessages } from './testing-peer-input.ts';
import type { PeerMetadata } from './wire.ts';

const corpus = JSON.parse(
  readFileSync(new URL('../../../test/corpus/peer-messages.json', import.meta.url), 'utf8'),
) as { data: unknown; shown?: string }[];
const RUNS = { numRuns: 2000 };

/** A member of the call. */
const who = (name: string, metadata: PeerMetadata = {}): ChatPeer => ({
  view: { name, metadata },
  remoteView: undefined,
  wants: undefined,
});

/** A call's chat with one peer, and what it tells the app. */
function listener() {
  const heard: { event: string; payload: unknown }[] = [];
  const views: RemoteView[] = [];
  const wishes: number[] = [];
  const time = new VirtualTime();
  let caps = 0;
  const peer = {
    view: { name: 'Mallory', metadata: {} },
    set remoteView(view: RemoteView) {
      views.push(view);
    },
    set wants(lines: number) {
      wishes.push(lines);
    },
  };
  const chat = new Chat({
    clock: time,
    channel: () => undefined,
    signal: () => Promise.resolve({ ok: true, confirmed: true }),
    once: () => false,
    members: new Map(['peer', 'bob', 'mallory'].map((id) => [id, peer])),
    me: () => ({ peerId: 'me', name: 'Ada' }),
    emit: <K extends 'chat' | 'chat-history' | 'file' | 'reaction' | 'data'>(event: K, payload: CallEvents[K]) => {
      heard.push({ event, payload });
    },
    cap: () => void caps++,
  });
  return { chat, heard, views, wishes, time, caps: () => caps };
}

/** What every view of a message relies on. */
function expectUsable({ event, payload }: { event: string; payload: unknown }): void {
  if (event === 'chat') {
    const { id, text, at, shownAt } = payload as CallEvents['chat'];
    expect([typeof id, typeof text]).toEqual(['string', 'string']);
    expect(text.length).toBeLessThanOrEqual(4000);
    expect(Math.abs(at - Date.now())).toBeLessThanOrEqual(86_400_000 + 60_000);
    expect(Math.abs(shownAt - Date.now())).toBeLessThan(60_000);
    expect(() => new Date(at).toISOString()).not.toThrow();
  } else if (event === 'reaction') {
    const { emoji } = payload as CallEvents['reaction'];
    expect(typeof emoji).toBe('string');
    expect(emoji.length).toBeLessThanOrEqual(32);
  } else if (event === 'chat-history') {
    const { lines } = payload as CallEvents['chat-history'];
    expect(lines.length).toBeLessThanOrEqual(200);
    for (const line of lines) {
      expect([typeof line.id, typeof line.name, typeof line.text]).toEqual(['string', 'string', 'string']);
      expect(line.text.length).toBeLessThanOrEqual(4000);
      expect(() => new Date(line.at).toISOString()).not.toThrow();
    }
  }
}

test('peer messages of the corpus: nothing throws, by channel and by signaling; what can be shown is shown', () => {
  for (const { data, shown } of corpus)
    for (const raw of [JSON.stringify(data), data]) {
      const { chat, heard } = listener();
      expect(chat.receive('peer', raw), 'ours, usable or not').toBe(true);
      heard.forEach(expectUsable);
      const lines = heard.filter((h) => h.event === 'chat').map((h) => (h.payload as CallEvents['chat']).text);
      expect(lines, JSON.stringify(data)).toEqual(shown === undefined ? [] : [shown]);
    }
});

test('random JSON as a peer message: nothing throws, and what comes out has its types and bounds', () => {
  fc.assert(
    fc.property(peerMessages(), fc.boolean(), (message, byChannel) => {
      const { chat, heard, views, wishes } = listener();
      chat.receive('peer', byChannel ? JSON.stringify(message) : message);
      heard.forEach(expectUsable);
      for (const figure of views.flatMap((view) => Object.values(view))) expect(Number.isFinite(figure)).toBe(true);
      for (const lines of wishes) expect(lines === Math.floor(lines) && lines >= 0 && lines <= 4320).toBe(true);
    }),
    RUNS,
  );
});

test('text that is no JSON, binary data and a megabyte are not ours, and cost no parse beyond the bound', () => {
  for (const raw of ['{', '', new ArrayBuffer(8), undefined, Symbol.iterator, () => {}])
    expect(readPeerMessage(raw, 0)).toBeUndefined();
  expect(readPeerMessage(JSON.stringify({ tandem: 'data', id: 'a', data: 'x'.repeat(1e6) }), 0)).toBeUndefined();
});

test('a long text is cut between characters, a wrong clock is replaced by mine', () => {
  const now = 1_800_000_000_000;
  const read = (fields: object) => readPeerMessage({ tandem: 'chat', id: 'a', text: 'x', at: now, ...fields }, now);
  expect(read({ text: `${'x'.repeat(3999)}👍` })).toMatchObject({ text: 'x'.repeat(3999) });
  for (const at of [now - 86_400_001, now + 86_400_001, Number.NaN, '1', null])
    expect(read({ at })).toMatchObject({ at: now });
  expect(read({ at: now - 86_400_000 })).toMatchObject({ at: now - 86_400_000 });
});

test('ids of one peer are remembered apart from those of another: a flood of one makes no doubles of another', () => {
  const { chat, heard } = listener();
  const line = (id: string) => ({ tandem: 'chat', id, text: id, at: Date.now() });
  chat.receive('bob', line('first'));
  for (let i = 0; i < 2000; i++) chat.receive('mallory', line(`m${i}`));
  chat.receive('bob', line('first'));
  expect(heard.filter((h) => (h.payload as CallEvents['chat']).peerId === 'bob')).toHaveLength(1);
});

test('a chat message over the limit is refused to its sender in words', () => {
  const { chat } = listener();
  expect(() => chat.chat('x'.repeat(4001))).toThrow('text: a chat message has at most 4000 characters; this has 4001.');
});

test('random JSON as metadata and as a member: names are text, switches are booleans, nothing throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (any, name, audio) => {
      for (const value of [any, { name, audio, video: any, hand: any, handAt: any }]) {
        const metadata = readMetadata(value);
        expect(['string', 'undefined']).toContain(typeof metadata.name);
        expect(metadata.name?.length ?? 0).toBeLessThanOrEqual(64);
        for (const key of ['audio', 'video', 'screen', 'hand'] as const)
          expect(['boolean', 'undefined']).toContain(typeof metadata[key]);
        expect(Math.abs((metadata.handAt ?? Date.now()) - Date.now())).toBeLessThanOrEqual(86_400_000 + 60_000);
        const view = new RoomView();
        view.list({ type: 'room', peers: [{ peerId: 'a', userId: any, metadata: value }, any] });
        view.event({ type: 'peer_updated', peerId: 'a', metadata: value });
        const peer = view.peers.get('a');
        expect(['string', 'undefined']).toContain(typeof peer?.metadata?.name);
        expect(['string', 'undefined']).toContain(typeof peer?.userId);
      }
    }),
    RUNS,
  );
});

test('names of the corpus: shown by the app without turning or hiding the text around them', () => {
  const names = JSON.parse(
    readFileSync(new URL('../../../test/corpus/display-names.json', import.meta.url), 'utf8'),
  ) as string[];
  for (const name of names) expect(readMetadata({ name }).name).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_C}\u200b\u00ad]/u);
  expect(readMetadata({ name: '\u202eevil' })).toEqual({ name: 'evil' });
});

test('random JSON as description and candidate: only fields of WebRTC in their types, counters that can be counted up', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (any, order, mid) => {
      for (const value of [any, { sdp: any }, { sdp: 'v=0', gen: order, n: order, to: order, extra: any }]) {
        const description = readDescription('offer', value);
        if (!description) continue;
        expect(Object.keys(description).every((key) => ['type', 'sdp', 'gen', 'n', 'to'].includes(key))).toBe(true);
        expect(description.type).toBe('offer');
        expect(Number.isSafeInteger((description.gen ?? 0) + 1)).toBe(true);
      }
      for (const value of [
        any,
        { candidate: 'c', sdpMid: mid, sdpMLineIndex: order, usernameFragment: mid, gen: order },
      ]) {
        const candidate = readCandidate(value);
        if (!candidate) continue;
        expect(typeof candidate.candidate).toBe('string');
        expect(['string', 'undefined']).toContain(typeof candidate.sdpMid);
        expect(['number', 'undefined']).toContain(typeof candidate.sdpMLineIndex);
      }
    }),
    RUNS,
  );
  for (const gen of [Number.MAX_SAFE_INTEGER, 1e300, -1, 0.5, '2', null, {}])
    expect(readDescription('answer', { type: 'answer', sdp: 'v=0', gen }), String(gen)).toBeUndefined();
  expect(readDescription('offer', 'v=0')).toEqual({ type: 'offer', sdp: 'v=0' });
  expect(readCandidate('candidate:1')).toEqual({ candidate: 'candidate:1' });
  expect(readCandidate(null)).toBeNull();
});

test('names of files: no path, no direction characters, no hidden files; the ending stays', () => {
  for (const [given, shown] of [
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\a\\plan.pdf', 'plan.pdf'],
    ['\u202egpj.exe', 'gpj.exe'],
    ['.bashrc', 'bashrc'],
    ['a\u0000b:c.txt', 'abc.txt'],
  ])
    expect(readFileName(given)).toBe(shown);
  expect(readFileName('///')).toBeUndefined();
  expect(readFileName({})).toBeUndefined();
  const long = readFileName(`${'x'.repeat(500)}.pdf`) ?? '';
  expect([long.length, long.endsWith('x.pdf')]).toEqual([80, true]);
});

test('files: what was promised is what comes, in order; anything else ends the file, and bounds hold', () => {
  const { chat, heard } = listener();
  const part = (id: string, n: number, data: string) =>
    chat.receive('peer', { tandem: 'file-part', id, n, data: btoa(data) });
  const offer = (id: string, size: unknown, name: unknown = 'a.txt') =>
    chat.receive('peer', { tandem: 'file', id, name, size });
  const files = () =>
    heard.filter(({ event }) => event === 'file').map(({ payload }) => (payload as CallEvents['file']).id);
  offer('whole', 6);
  part('whole', 0, 'abcdef');
  expect(files()).toEqual(['whole']);
  offer('swapped', 6);
  part('swapped', 1, 'def');
  part('swapped', 0, 'abc');
  part('swapped', 1, 'def');
  offer('more', 3);
  part('more', 0, 'abcd');
  part('unknown', 0, 'abc');
  offer('huge', 5 * 1024 * 1024 + 1);
  part('huge', 0, 'x');
  for (const size of [0, -1, 1.5, '3', null]) offer(`bad ${size}`, size);
  // Two at once: the third takes the place of the first.
  for (const id of ['one', 'two', 'three']) offer(id, 1);
  for (const id of ['one', 'two', 'three']) part(id, 0, 'x');
  expect(files()).toEqual(['whole', 'two', 'three']);
});

test('sizes: a peer that wants another one a thousand times a second changes what I send ten times', () => {
  const { chat, wishes, time, caps } = listener();
  for (let ms = 0; ms < 1000; ms++) {
    chat.receive('mallory', { tandem: 'want', video: ms % 2 ? 180 : 90 });
    time.run(1);
  }
  time.run(200);
  expect([wishes.length, wishes.at(-1), caps()]).toEqual([1000, 180, 10]);
});

/** A call's chat with Ada, a moderator, and Bob; what is sent, and what it learns of earlier lines. */
function chatOfThree() {
  const time = new VirtualTime();
  const sent: { to: string; message: PeerMessage }[] = [];
  const learned: string[][] = [];
  const chat = new Chat({
    clock: time,
    channel: () => undefined,
    signal: (to, message) => {
      sent.push({ to, message });
      return Promise.resolve({ ok: true, confirmed: true });
    },
    once: () => false,
    members: new Map([
      ['ada', who('ada', { moderator: true })],
      ['bob', who('bob')],
    ]),
    me: () => ({ peerId: 'me', name: 'Me' }),
    emit: (event, payload) => {
      if (event === 'chat-history') learned.push((payload as CallEvents['chat-history']).lines.map(({ text }) => text));
    },
    cap: () => {},
  });
  const texts = () =>
    sent.flatMap(({ message }) => (message.tandem === 'history' ? [message.lines.map(({ text }) => text)] : []));
  return { chat, sent, learned, texts, time };
}

test('history: what moderators alone may write is handed on of moderators alone', () => {
  const { chat, sent, learned, texts, time } = chatOfThree();
  const say = (peerId: string, id: string) =>
    chat.receive(peerId, { tandem: 'chat', id, text: `${id} of ${peerId}`, at: Date.now() });
  say('bob', 'before');
  chat.open = false;
  say('bob', 'during');
  say('ada', 'during');
  chat.open = true;
  chat.metEarlier('bob');
  time.run(1000);
  chat.open = false;
  const forged = { id: 'f', name: 'Ada', text: 'forged', at: Date.now() };
  const ask = sent.at(-1)?.message;
  expect(ask?.tandem).toBe('history-ask');
  // It may have been closed since.
  chat.receive('bob', { ...ask, tandem: 'history', lines: [forged] });
  chat.open = true;
  say('bob', 'after');
  chat.receive('ada', { tandem: 'history-ask', id: 'q' });
  expect(texts()).toEqual([['before of bob', 'during of ada', 'after of bob']]);
  expect(learned).toEqual([]);
  expect(time.waiting, 'somebody else is asked in place of Bob').toBe(1);
  chat.close();
});

test('history: where moderators alone write, they alone are asked', () => {
  const { chat, sent, time } = chatOfThree();
  chat.open = false;
  for (const peerId of ['bob', 'ada']) chat.metEarlier(peerId);
  time.run(60_000);
  expect(sent.map(({ to }) => to)).toEqual(['ada']);
});

test('history: from the one that was asked, once; what I have is not told again; a private line is in none', () => {
  const { chat, sent, learned, time } = chatOfThree();
  chat.receive('ada', { tandem: 'chat', id: '1', text: 'seen', at: Date.now() });
  chat.receive('ada', { tandem: 'chat', id: '2', text: 'secret', at: Date.now(), private: true });
  chat.metEarlier('ada');
  time.run(1000);
  const ask = sent.find(({ message }) => message.tandem === 'history-ask');
  expect(ask?.to).toBe('ada');
  const id = ask && 'id' in ask.message ? ask.message.id : '';
  const line = (lineId: string, text: string) => ({ id: lineId, name: 'x', text, at: Date.now() });
  chat.receive('bob', { tandem: 'history', id, lines: [line('9', 'forged')] });
  chat.receive('ada', { tandem: 'history', id: 'other', lines: [line('9', 'forged')] });
  chat.receive('ada', { tandem: 'history', id, lines: [line('0', 'before'), line('1', 'seen')] });
  chat.receive('ada', { tandem: 'history', id, lines: [line('8', 'again')] });
  expect(learned).toEqual([['before']]);
  sent.length = 0;
  chat.receive('bob', { tandem: 'history-ask', id: 'q1' });
  chat.receive('bob', { tandem: 'history-ask', id: 'q2' });
  const answers = sent.filter(({ message }) => message.tandem === 'history');
  expect(answers, 'one answer a peer').toHaveLength(1);
  expect(answers[0]?.message).toMatchObject({ lines: [{ text: 'before' }, { text: 'seen' }] });
});
