/** What moderators decide about who comes in, and what those see who wait. */
import { expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
import { Client, type Cluster, type Heard, members, pair } from '../testing.ts';

async function send(cluster: Cluster, client: Client, message: object) {
  client.send(message);
  await cluster.run();
}
const join = (cluster: Cluster, client: Client) => send(cluster, client, { type: 'join', roomId: 'r' });

/** Ada (n1) and Bob (n2) in room `r`, with a moderator on n1, and the room asks. */
async function asking() {
  const { cluster, n1, n2, a, b } = await pair();
  const mod = new Client(n1, 'mod', { kick: true });
  await join(cluster, mod);
  await send(cluster, mod, { type: 'set-entry', entry: 'ask', ref: 1 });
  return { cluster, n1, n2, a, b, mod };
}
const names = (client: Client): string[] =>
  client
    .of('entry')
    .at(-1)
    ?.waiting.map((p: Heard) => p.peerId) ?? [];

test('S-46 a moderator locks the room and opens it: nobody else can, and moderators come in all the same', async () => {
  const { cluster, n1, n2, a } = await pair();
  const mod = new Client(n1, 'mod', { kick: true });
  await join(cluster, mod);
  await send(cluster, a, { type: 'set-entry', entry: 'locked', ref: 4 });
  expect(a.of('error')).toMatchObject([{ code: 'forbidden', ref: 4 }]);
  await send(cluster, mod, { type: 'set-entry', entry: 'locked', ref: 1 });
  expect(mod.of('done')).toMatchObject([{ replyTo: 'set-entry', ref: 1 }]);
  expect(mod.of('entry')).toMatchObject([{ roomId: 'r', entry: 'locked', waiting: [] }]);
  const eve = new Client(n2, 'eve');
  await join(cluster, eve);
  expect(eve.of('error')).toMatchObject([{ code: 'room_locked' }]);
  const second = new Client(n2, 'second', { kick: true });
  await join(cluster, second);
  expect(second.types.slice(-2)).toEqual(['joined', 'entry']);
  await send(cluster, second, { type: 'set-entry', entry: 'open' });
  expect(mod.of('entry').at(-1)).toMatchObject({ entry: 'open' });
  await join(cluster, eve);
  expect(eve.of('joined')).toHaveLength(1);
  expect(a.of('entry')).toEqual([]);
});

test('S-46 what a moderator set ends with the room; what a backend set stays but for who comes in', async () => {
  const { cluster, a, b, mod } = await asking();
  const backplane = cluster.hub.connect();
  const settings = async () => (await backplane.describeRooms(['r']))[0]?.settings;
  expect(JSON.parse((await settings())?.doc ?? '')).toMatchObject({ waitingRoom: true, locked: false });
  for (const client of [a, b, mod]) await send(cluster, client, { type: 'leave' });
  await cluster.run(2000);
  expect(await settings()).toBeUndefined();
});

test('S-47 who waits is told so, knows nothing of the room, and moderators of every node see who it is', async () => {
  const { cluster, n1, n2, a, mod } = await asking();
  const far = new Client(n2, 'far', { kick: true });
  await join(cluster, far);
  const eve = new Client(n1, 'eve');
  const metadata = { name: 'Eve', hand: true };
  await send(cluster, eve, { type: 'join', roomId: 'r', metadata });
  expect(eve.of('error')).toMatchObject([{ code: 'room_waiting', replyTo: 'join', retryAfter: 10_000 }]);
  for (const client of [mod, far])
    expect(client.of('entry').at(-1)?.waiting).toEqual([
      { peerId: eve.peerId, userId: 'eve', metadata: { name: 'Eve' } },
    ]);
  await send(cluster, a, { type: 'message', data: 'secret' });
  await send(cluster, a, { type: 'offer', peerId: eve.peerId, sdp: 'x' });
  await send(cluster, eve, { type: 'message', peerId: a.peerId, data: 'let me in' });
  expect(eve.types).toEqual(['welcome', 'error', 'error']);
  expect(a.of('entry')).toEqual([]);
  expect(a.of('message')).toEqual([]);
  expect(members(cluster)).not.toContain(eve.peerId);
  // Asked again it is the same one, and no news.
  const heard = mod.heard.length;
  await join(cluster, eve);
  expect(mod.heard.length).toBe(heard);
});

test('S-47 who goes, or asks no more, is off the list', async () => {
  const { cluster, n1, n2, mod } = await asking();
  const [gone, lost, silent] = [new Client(n1, 'gone'), new Client(n2, 'lost'), new Client(n2, 'silent')];
  for (const client of [gone, lost, silent]) await join(cluster, client);
  expect(names(mod)).toHaveLength(3);
  await send(cluster, gone, { type: 'leave', roomId: 'r' });
  expect(gone.types.at(-1)).toBe('left');
  expect(names(mod)).toEqual([lost.peerId, silent.peerId]);
  lost.connection.onClosed(1006);
  await cluster.run();
  expect(names(mod)).toEqual([silent.peerId]);
  await cluster.run(80_000);
  expect(names(mod)).toEqual([]);
});

test('S-47 waiting is no fault of the client', async () => {
  const { cluster, n1 } = await asking();
  const eve = new Client(n1, 'eve');
  for (let i = 0; i < 40; i++) await join(cluster, eve);
  expect(eve.of('error')).toHaveLength(40);
  expect(eve.closed).toBeUndefined();
});

test('S-48 a moderator lets in one and refuses another, on any node; others cannot', async () => {
  const { cluster, n2, a, mod } = await asking();
  const [eve, fay] = [new Client(n2, 'eve'), new Client(n2, 'fay')];
  for (const client of [eve, fay]) await join(cluster, client);
  await send(cluster, a, { type: 'admit', peerId: eve.peerId });
  expect(a.of('error').at(-1)).toMatchObject({ code: 'forbidden' });
  await send(cluster, mod, { type: 'admit', peerId: eve.peerId, ref: 7 });
  expect(mod.of('done').at(-1)).toMatchObject({ replyTo: 'admit', ref: 7 });
  expect(eve.of('admission')).toMatchObject([{ roomId: 'r', admitted: true }]);
  await join(cluster, eve);
  expect(eve.of('joined')).toHaveLength(1);
  await send(cluster, mod, { type: 'refuse', peerId: fay.peerId, ref: 8 });
  expect(fay.of('admission')).toMatchObject([{ admitted: false }]);
  await join(cluster, fay);
  expect(fay.of('error').at(-1)).toMatchObject({ code: 'forbidden' });
  expect(names(mod)).toEqual([]);
  await send(cluster, mod, { type: 'admit', peerId: fay.peerId, ref: 9 });
  expect(mod.of('error').at(-1)).toMatchObject({ code: 'unknown_peer', ref: 9 });
});

test('S-48 who was let in comes back, and a kick ends that', async () => {
  const { cluster, n2, mod } = await asking();
  const eve = new Client(n2, 'eve');
  await join(cluster, eve);
  await send(cluster, mod, { type: 'admit', peerId: eve.peerId });
  await join(cluster, eve);
  await send(cluster, eve, { type: 'leave' });
  await join(cluster, eve);
  expect(eve.of('joined')).toHaveLength(2);
  await send(cluster, mod, { type: 'kick', peerId: eve.peerId });
  const again = new Client(n2, 'eve');
  await join(cluster, again);
  expect(again.of('error').at(-1)).toMatchObject({ code: 'forbidden' });
});

test('S-48 when the room opens, those who wait are told', async () => {
  const { cluster, n2, mod } = await asking();
  const eve = new Client(n2, 'eve');
  await join(cluster, eve);
  await send(cluster, mod, { type: 'set-entry', entry: 'open' });
  expect(eve.of('admission')).toMatchObject([{ admitted: true }]);
  await join(cluster, eve);
  expect(eve.of('joined')).toHaveLength(1);
});

test('S-46 a moderator that resumes hears who may enter, also that it is open again', async () => {
  const { cluster, n1, n2, mod } = await asking();
  mod.connection.onClosed(1006);
  await cluster.run();
  const other = new Client(n2, 'other', { kick: true });
  await join(cluster, other);
  await send(cluster, other, { type: 'set-entry', entry: 'open' });
  const back = new Client(n1, 'mod', { kick: true });
  await send(cluster, back, { type: 'resume', sessionToken: mod.token });
  expect(back.of('resumed')).toHaveLength(1);
  expect(back.of('entry')).toMatchObject([{ entry: 'open', waiting: [] }]);
});

test('S-48 a decision that is written holds, and who waits hears of it, when the store is away right after', async () => {
  const { cluster, n2, mod } = await asking();
  const people = [new Client(n2, 'eve'), new Client(n2, 'kim')] as const;
  for (const one of people) await join(cluster, one);
  cluster.before = (_node, operation) => {
    if (operation === 'readRoom') throw new UnavailableError('away');
  };
  await send(cluster, mod, { type: 'refuse', peerId: people[0].peerId, ref: 7 });
  cluster.back();
  expect(mod.of('done').at(-1)).toMatchObject({ replyTo: 'refuse', ref: 7 });
  expect(people[0].of('admission')).toMatchObject([{ admitted: false }]);
  // Everybody may come in: of that a second request is possible, and nobody waits then.
  let written = false;
  cluster.before = (_node, operation) => {
    if (operation === 'writeSettings') written = true;
    if (operation === 'readRoom' && written) throw new UnavailableError('away');
  };
  await send(cluster, mod, { type: 'set-entry', entry: 'open', ref: 8 });
  cluster.back();
  expect(people[1].of('admission')).toMatchObject([{ admitted: true }]);
});
