import { expect, test } from 'vitest';
import { MAX_ACKS, type PeerMessage } from './peer-input.ts';
import { PeerMessages, type ReceivedMessage } from './peer-messages.ts';
import { VirtualTime } from './testing.ts';

/** People of a room that a media node serves: nobody has a channel. Ada is the first. */
function room(names: readonly string[], { lost = [] as readonly string[], sealed = false } = {}) {
  const time = new VirtualTime();
  /** Frames by who sent them: `*` to the room, else to whom. */
  const frames: string[] = [];
  const heard: string[] = [];
  const people = new Map<string, PeerMessages>();
  /** Who is in view of whom. */
  const views = new Map(names.map((name) => [name, new Map([...names, 'mallory'].map((other) => [other, other]))]));
  for (const name of names)
    people.set(
      name,
      new PeerMessages({
        clock: time,
        members: views.get(name) as ReadonlyMap<string, unknown>,
        channel: () => undefined,
        signal: async (to, message) => {
          frames.push(`${name} > ${to}: ${message.tandem}`);
          people.get(to)?.receive(name, structuredClone(message));
          return { ok: true, confirmed: true };
        },
        once: (message, to) => {
          if (sealed) return false;
          frames.push(`${name} > ${to ?? '*'}: ${(message as PeerMessage).tandem}`);
          for (const [other, messages] of people)
            if (other !== name && (to ?? other) === other && !lost.includes(other))
              messages.receive(name, structuredClone(message));
          return true;
        },
        received: (from, message: ReceivedMessage) => heard.push(`${name} < ${from}: ${message.tandem}`),
      }),
    );
  const others = names.slice(1);
  const ada = people.get('ada') as PeerMessages;
  return { time, frames, heard, ada, others, people, views };
}
const NAMES = ['ada', 'bob', 'cleo', 'dan', 'eve'];
const line = (id = '1'): PeerMessage => ({ tandem: 'chat', id, text: 'hi', at: Date.now() });

test('a line to many without a channel is one frame, and each acknowledges it', async () => {
  const { time, frames, heard, ada, others } = room(NAMES);
  const delivered = ada.sendToAll(others, line());
  time.run(200);
  expect(Object.fromEntries(await delivered)).toEqual(
    Object.fromEntries(others.map((name) => [name, { ok: true, confirmed: true }])),
  );
  expect(frames).toEqual(['ada > *: chat', ...others.map((name) => `${name} > ada: acks`)]);
  expect(heard).toEqual(others.map((name) => `${name} < ada: chat`));
  time.run(10_000);
  expect(heard).toHaveLength(others.length);
});

test('who did not get the frame to the room gets the line alone, once', async () => {
  const { time, frames, heard, ada, others } = room(NAMES, { lost: ['dan'] });
  const delivered = ada.sendToAll(others, line());
  time.run(2900);
  expect(heard).toHaveLength(3);
  time.run(200);
  await delivered;
  expect(frames.filter((frame) => frame.startsWith('ada'))).toEqual(['ada > *: chat', 'ada > dan: chat']);
  expect(heard.filter((what) => what.startsWith('dan'))).toEqual(['dan < ada: chat']);
});

test('an SDK that does not know such acknowledgements shows the line once', async () => {
  const { time, heard, ada, others } = room(NAMES, { lost: ['ada'] });
  const delivered = ada.sendToAll(others, line());
  time.run(3100);
  await delivered;
  expect(heard).toEqual(others.map((name) => `${name} < ada: chat`));
});

test('a reaction is one frame and no more', async () => {
  const { time, frames, ada, others } = room(NAMES);
  await ada.sendToAll(others, { tandem: 'reaction', emoji: '👏' });
  time.run(10_000);
  expect(frames).toEqual(['ada > *: reaction']);
});

test('few, or a call whose messages are sealed, get one frame each', async () => {
  for (const { frames, ada, others } of [room(NAMES.slice(0, 3)), room(NAMES, { sealed: true })]) {
    await ada.sendToAll(others, line());
    expect(frames).toEqual(others.map((name) => `ada > ${name}: chat`));
  }
});

test('who sends to the room without end gets ten frames a second of mine, of bounded size', () => {
  const { time, frames, people } = room(NAMES);
  for (let i = 0; i < 2000; i++) {
    people.get('bob')?.receive('mallory', { ...line(String(i)), room: true });
    if (i % 2) time.run(1);
  }
  const acks = frames.filter((frame) => frame === 'bob > mallory: acks');
  expect(acks.length).toBeLessThanOrEqual(10);
  expect(acks.length).toBeGreaterThan(5);
  expect(MAX_ACKS * 64, 'characters of ids in one frame').toBeLessThan(8192);
});

test('what comes before its sender is in view is not acknowledged, and is shown when it comes again', async () => {
  const { time, heard, ada, others, views } = room(NAMES);
  views.get('dan')?.delete('ada');
  const delivered = ada.sendToAll(others, line());
  time.run(200);
  expect(heard.filter((what) => what.startsWith('dan'))).toEqual([]);
  views.get('dan')?.set('ada', 'ada');
  time.run(3000);
  expect(Object.fromEntries(await delivered)).toMatchObject({ dan: { ok: true } });
  expect(heard.filter((what) => what.startsWith('dan'))).toEqual(['dan < ada: chat']);
});
