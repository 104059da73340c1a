/** What a peer says before the server has said that it is here: events of the room and what peers say come by different ways. */
import { expect, test } from 'vitest';
import { Bench } from './testing-session.ts';

test('what is said before its peer_joined waits for it, in order, without a receipt', async () => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('message', ({ data }) => heard.push(data));
  bench.session.on('peer-joined', ({ peer }) => heard.push(peer.peerId));
  const say = (id: number) => bench.socket.say({ type: 'message', peerId: 'bob', id, data: id });
  for (const id of [1, 3, 2, 1]) say(id);
  await bench.time.settle(1000);
  expect(heard).toEqual([]);
  expect(bench.socket.types(), 'bob says it again').not.toContain('receipt');
  bench.socket.say({ type: 'peer_joined', peerId: 'bob' });
  say(4);
  await bench.time.settle(1000);
  expect(heard).toEqual(['bob', 1, 2, 3, 4]);
  expect(bench.socket.got.filter(({ type }) => type === 'receipt').at(-1)).toMatchObject({ peerId: 'bob', id: 4 });
});

test('an offer before the peer_joined is not held up; one behind a message is', async () => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('message', ({ data }) => heard.push(data));
  bench.session.on('signal', ({ type }) => heard.push(type));
  bench.socket.say({ type: 'offer', peerId: 'bob', id: 1, sdp: '' });
  bench.socket.say({ type: 'message', peerId: 'bob', id: 2, data: 'hi' });
  bench.socket.say({ type: 'ice-candidate', peerId: 'bob', id: 3, candidate: null });
  expect(heard).toEqual(['offer']);
  bench.socket.say({ type: 'room', roomId: 'kitchen', peers: [{ peerId: 'bob' }] });
  expect(heard).toEqual(['offer', 'hi', 'ice-candidate']);
});

test.each([
  ['more of it than is kept', 0, Array.from({ length: 12 }, () => 'x'.repeat(60_000)), 8],
  ['of one who does not come for ten seconds', 10_000, ['hi', 'ho'], 0],
])('%s is dropped, and given when it is said again', async (_name, wait, texts, kept) => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('message', ({ data }) => heard.push(data));
  const say = () => {
    for (const [n, data] of texts.entries()) bench.socket.say({ type: 'message', peerId: 'eve', id: n + 1, data });
  };
  say();
  await bench.time.settle(wait);
  bench.socket.say({ type: 'peer_joined', peerId: 'eve' });
  expect(heard).toEqual(texts.slice(0, kept));
  say();
  expect(heard).toEqual(texts);
});
