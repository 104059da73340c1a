/** Who is inside a room, for somebody who is not: what an open room shows, and what nobody sees who could not come in. */
import { expect, test } from 'vitest';
import { Client, type Cluster, pair } from '../testing.ts';

async function send(cluster: Cluster, client: Client, message: object) {
  client.send(message);
  await cluster.run();
}
/** What the last look of a client was answered. */
async function look(cluster: Cluster, client: Client, roomId = 'r') {
  const seen = client.heard.length;
  await send(cluster, client, { type: 'look', roomId, ref: 7 });
  const [answer, ...more] = client.heard.slice(seen).filter(({ type }) => type !== 'welcome');
  expect(more).toEqual([]);
  return answer;
}
/** Ada (n1), Bob (n2) and a moderator in room `r`; Eve, who is in none. */
async function outside() {
  const { cluster, n1, n2, a, b } = await pair();
  const [mod, eve] = [new Client(n1, 'mod', { kick: true }), new Client(n2, 'eve')];
  await send(cluster, mod, { type: 'join', roomId: 'r', metadata: { name: 'Mod' } });
  await send(cluster, a, { type: 'update', metadata: { name: 'Ada\u202e' } });
  return { cluster, n1, n2, a, b, mod, eve };
}
const done = { type: 'done', replyTo: 'look', ref: 7 };

test('S-37 who may enter sees how many are in and their names, and nobody hears of it', async () => {
  const { cluster, a, b, mod, eve } = await outside();
  const before = [a, b, mod].map(({ heard }) => heard.length);
  const { names, ...answer } = (await look(cluster, eve)) as { names?: string[] };
  expect(answer).toEqual({ ...done, count: 3 });
  expect(names?.sort(), 'who has no name is only counted; what turns the text around is not told').toEqual([
    'Ada',
    'Mod',
  ]);
  expect([a, b, mod].map(({ heard }) => heard.length)).toEqual(before);
  expect(await look(cluster, eve, 'empty')).toEqual({ ...done, count: 0, names: [] });
  expect(cluster.hub.rooms.has('empty')).toBe(false);
});

test('S-37 a room may keep its names to moderators', async () => {
  const { cluster, n1, mod, eve } = await outside();
  await send(cluster, mod, { type: 'set-entry', entry: 'open', look: false });
  expect(mod.of('entry').at(-1)).toMatchObject({ look: false, share: true, chat: true });
  expect(await look(cluster, eve)).toEqual({ ...done, count: 3 });
  const { names } = (await look(cluster, new Client(n1, 'host', { kick: true }))) as { names?: string[] };
  expect(names?.sort()).toEqual(['Ada', 'Mod']);
});

test('S-37 who could not come in sees nothing, and is refused as by a join', async () => {
  const { cluster, n1, mod, eve } = await outside();
  const code = async (client = eve) => (await look(cluster, client))?.code as unknown;
  for (const [entry, expected] of [
    ['ask', 'room_waiting'],
    ['locked', 'room_locked'],
    ['open', undefined],
  ]) {
    await send(cluster, mod, { type: 'set-entry', entry });
    expect(await code()).toBe(expected);
  }
  expect(mod.of('entry').at(-1)?.waiting, 'a look asks for no admission').toEqual([]);
  expect(await code(new Client(n1, 'far', { rooms: ['elsewhere'] }))).toBe('forbidden');
  await send(cluster, eve, { type: 'join', roomId: 'r' });
  await send(cluster, mod, { type: 'kick', peerId: eve.peerId });
  expect(await code(new Client(n1, 'eve')), 'the user, with another login too').toBe('forbidden');
});

test('S-37 a room that nobody created, where only a backend creates rooms', async () => {
  const { cluster } = await outside();
  const strict = await cluster.node('n3', { createdRoomsOnly: true });
  expect(await look(cluster, new Client(strict, 'eve'))).toMatchObject({ type: 'error', code: 'room_unknown', ref: 7 });
});
