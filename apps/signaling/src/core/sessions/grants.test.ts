/** What a room lets somebody do beside their token, while stores forget, are away, and tokens change. */
import type { Grants } from '@tandem/protocol';
import { expect, test } from 'vitest';
import { Client, type Cluster, pair } from '../testing.ts';

async function send(cluster: Cluster, client: Client, message: object) {
  client.send(message);
  await cluster.run();
}

/** Ada (n1) and Bob (n2) in room `r`, with a moderator on n1. */
async function moderated() {
  const { cluster, n1, n2, a, b } = await pair();
  const mod = new Client(n1, 'mod', { kick: true });
  await send(cluster, mod, { type: 'join', roomId: 'r', metadata: { name: 'Mod' } });
  return { cluster, n1, n2, a, b, mod };
}
const offer = { type: 'offer', id: 1, sdp: 'v=0' };

test('S-51 a moderator decides also where the store has lost what was decided before', async () => {
  const { cluster, b, mod } = await moderated();
  await send(cluster, mod, { type: 'grant', peerId: b.peerId, publish: false, ref: 1 });
  cluster.hub.granted.clear();
  await send(cluster, mod, { type: 'grant', peerId: b.peerId, publish: false, ref: 2 });
  expect(mod.of('error')).toEqual([]);
  expect(mod.of('done').map(({ ref }) => ref)).toEqual([1, 2]);
  expect(b.of('grants').at(-1)).toMatchObject({ publish: false });
});

test('S-51 a grant that says nothing is refused, of oneself too', async () => {
  const { cluster, a } = await moderated();
  await send(cluster, a, { type: 'grant', peerId: a.peerId, ref: 1 });
  expect(a.of('error')).toMatchObject([{ code: 'bad_message', ref: 1 }]);
});

test('S-51 who may only watch does so too when they resume while the store is away', async () => {
  const { cluster, n2, a, b, mod } = await moderated();
  await send(cluster, mod, { type: 'grant', peerId: b.peerId, publish: false });
  b.connection.onClosed(1006);
  await cluster.run();
  cluster.away();
  const back = new Client(n2, 'bob');
  await send(cluster, back, { type: 'resume', sessionToken: b.token });
  expect(back.types).toContain('resumed');
  expect(back.of('grants').at(-1)).toMatchObject({ publish: false });
  await send(cluster, back, { ...offer, peerId: a.peerId });
  expect(back.of('error').map(({ code }) => code)).toEqual(['forbidden']);
});

test('A-14 a resume changes nothing of what others see of somebody', async () => {
  const { cluster, n1, n2, a, b, mod } = await moderated();
  const [record] = (await n1.admin.members('r')).filter(({ peerId }) => peerId === b.peerId);
  const given = Buffer.from('{"role":"guide"}').toString('base64url');
  await n1.admin.changeGrants('r', record ?? expect.fail('he is gone'), { given, publish: 'watch' });
  await cluster.run();
  expect(mod.of('peer_updated').at(-1)).toMatchObject({ peerId: b.peerId, metadata: { role: 'guide' } });
  const before = [a, mod].map((one) => one.types.filter((type) => type === 'room' || type === 'peer_updated').length);
  for (const node of [n2, n1]) {
    const back = new Client(node, 'bob');
    await send(cluster, back, { type: 'resume', sessionToken: b.token });
    expect(back.of('grants').at(-1)).toMatchObject({ publish: false, metadata: { role: 'guide' } });
  }
  const after = [a, mod].map((one) => one.types.filter((type) => type === 'room' || type === 'peer_updated').length);
  expect(after).toEqual(before);
});

test('S-51 with another token, the room sees at once what it grants: audience, and whom a moderator silences', async () => {
  const { cluster, n1, mod, a } = await moderated();
  const eve = new Client(n1, 'eve', { publish: false });
  await send(cluster, eve, { type: 'join', roomId: 'r' });
  const back = new Client(n1, 'eve', { kick: true });
  await send(cluster, back, { type: 'resume', sessionToken: eve.token });
  const seen = mod
    .of('room')
    .at(-1)
    ?.peers.find(({ peerId }: { peerId: string }) => peerId === eve.peerId);
  expect(seen).not.toHaveProperty('audience');
  expect(mod.of('peer_updated').at(-1)).toMatchObject({ peerId: eve.peerId, metadata: { moderator: true } });
  await send(cluster, mod, { type: 'grant', peerId: eve.peerId, publish: false });
  expect(back.of('grants').at(-1)).toMatchObject({ publish: false });
  await send(cluster, back, { ...offer, peerId: a.peerId });
  expect(back.of('error').map(({ code }) => code)).toEqual(['forbidden']);
});

/** What a backend says of Bob and lets him do, and his way back with a token of another login on that node. */
async function renewed(on: 'n1' | 'n2', grants: Grants = {}) {
  const room = await moderated();
  const { cluster, n1, b, mod } = room;
  const find = async () => (await n1.admin.members('r')).find(({ peerId }) => peerId === b.peerId);
  const given = Buffer.from('{"role":"guide"}').toString('base64url');
  await n1.admin.changeGrants('r', (await find()) ?? expect.fail('he is gone'), { given, kick: true, data: false });
  await cluster.run();
  await send(cluster, mod, { type: 'grant', peerId: b.peerId, publish: false });
  expect(b.of('grants').at(-1)).toEqual(DECIDED);
  const toldBefore = mod.heard.length;
  const back = new Client(room[on], 'bob', grants, 'another login of bob');
  await send(cluster, back, { type: 'resume', sessionToken: b.token });
  expect(back.types).toContain('resumed');
  return { ...room, back, find, told: mod.heard.slice(toldBefore).map(({ type }) => type) };
}
const DECIDED = { type: 'grants', publish: false, data: false, kick: true, invite: false, metadata: { role: 'guide' } };

test.each(['n1', 'n2'] as const)(
  'A-12 S-51 what was decided of somebody holds on when their program goes on with a token of another login (%s)',
  async (on) => {
    const { cluster, n1, n2, a, mod, back, find, told } = await renewed(on);
    // They came back, and are to the others what they were.
    expect(told.filter((type) => type !== 'peer_back')).toEqual([]);
    expect(back.of('grants').at(-1)).toEqual(DECIDED);
    await send(cluster, back, { ...offer, peerId: a.peerId });
    await send(cluster, back, { type: 'mute', peerId: a.peerId, kind: 'audio', ref: 1 });
    expect(back.of('error').map(({ code }) => code)).toEqual(['forbidden']);
    expect(back.of('done')).toMatchObject([{ ref: 1 }]);
    // It is now decided of that login: also by those who decide next, and after they come again.
    await n2.admin.changeGrants('r', (await find()) ?? expect.fail('he is gone'), { data: null });
    await cluster.run();
    expect(back.of('grants').at(-1)).toEqual({ ...DECIDED, data: true });
    await send(cluster, back, { type: 'leave' });
    const again = new Client(n1, 'bob', {}, 'another login of bob');
    await send(cluster, again, { type: 'join', roomId: 'r' });
    expect(again.of('grants').at(-1)).toEqual({ ...DECIDED, data: true });
    expect(mod.of('peer_joined').at(-1)).toMatchObject({ metadata: { role: 'guide', moderator: true } });
  },
);

test.each(['n1', 'n2'] as const)(
  'A-12 S-51 a later token that grants other than the one before counts (%s)',
  async (on) => {
    const { n1, back } = await renewed(on, { kick: true, data: false, publish: true });
    // Of `kick` and `data` it says something new; what was decided of `publish`, and what is said of them, stays.
    expect(back.of('grants').at(-1)).toEqual(DECIDED);
    const { granted } = await n1.admin.read('r');
    expect(granted.get('another login of bob')?.slice(0, 5)).toBe('0---w');
  },
);

test.each(['n1', 'n2'] as const)(
  'A-12 S-51 who goes on with the login of another window takes nothing back that was decided of that one (%s)',
  async (on) => {
    const room = await moderated();
    const { cluster, n2, a, b, mod } = room;
    const later = new Client(n2, 'bob', {}, 'later');
    await send(cluster, later, { type: 'join', roomId: 'r' });
    await send(cluster, mod, { type: 'grant', peerId: b.peerId, kick: true });
    await send(cluster, mod, { type: 'grant', peerId: later.peerId, publish: false });
    const back = new Client(room[on], 'bob', {}, 'later');
    await send(cluster, back, { type: 'resume', sessionToken: b.token });
    expect(back.of('grants').at(-1)).toMatchObject({ publish: false, kick: true });
    for (const client of [later, back]) {
      await send(cluster, client, { ...offer, peerId: a.peerId });
      expect(client.of('error').map(({ code }) => code)).toEqual(['forbidden']);
    }
    // Both have that login by now: one that goes on with a third leaves the other one what is decided of it.
    const third = new Client(room[on], 'bob', {}, 'third');
    await send(cluster, third, { type: 'resume', sessionToken: b.token });
    for (const client of [later, third]) await send(cluster, client, { ...offer, peerId: a.peerId });
    expect([later, third].map((client) => client.of('error').at(-1)?.code)).toEqual(['forbidden', 'forbidden']);
    expect(later.of('error')).toHaveLength(2);
  },
);

test('A-12 S-51 a new token counts in a new join: what was decided is decided of the login before', async () => {
  const { cluster, n1, n2, a, b, mod } = await moderated();
  const other = new Client(n2, 'eve', { kick: true });
  await send(cluster, other, { type: 'join', roomId: 'r' });
  await send(cluster, mod, { type: 'grant', peerId: other.peerId, kick: false });
  await send(cluster, mod, { type: 'grant', peerId: b.peerId, publish: false });
  await send(cluster, other, { type: 'leave' });
  for (const [login, code] of [
    ['login of eve', 'forbidden'],
    ['later', undefined],
  ] as const) {
    const eve = new Client(n1, 'eve', { kick: true }, login);
    await send(cluster, eve, { type: 'join', roomId: 'r' });
    await send(cluster, eve, { type: 'mute', peerId: a.peerId, kind: 'audio' });
    expect(eve.of('error')[0]?.code).toBe(code);
    await send(cluster, eve, { type: 'leave' });
  }
});

test('S-49 the room sees who moderates, also of a client that says nothing of itself', async () => {
  const { cluster, n2, a } = await moderated();
  const quiet = new Client(n2, 'quiet', { kick: true });
  await send(cluster, quiet, { type: 'join', roomId: 'r' });
  expect(a.of('peer_joined').at(-1)).toMatchObject({ peerId: quiet.peerId, metadata: { moderator: true } });
});

test('S-51 who was made a moderator in the room neither removes nor silences a moderator by token', async () => {
  const { cluster, n2, a, b, mod } = await moderated();
  const host = new Client(n2, 'host', { kick: true });
  await send(cluster, host, { type: 'join', roomId: 'r', metadata: { moderatorByToken: false } });
  // The same person by a link without the grant: with it, the person would be kept out.
  const phone = new Client(n2, 'host', {}, 'phone');
  await send(cluster, phone, { type: 'join', roomId: 'r', metadata: { moderatorByToken: true } });
  const shown = ({ peerId }: Client) =>
    a
      .of('peer_joined')
      .filter((one) => one.peerId === peerId)
      .map(({ metadata }) => metadata);
  expect([shown(host), shown(phone)]).toEqual([[{ moderator: true, moderatorByToken: true }], [{}]]);
  for (const { peerId } of [a, b]) await send(cluster, mod, { type: 'grant', peerId, kick: true });
  expect(a.of('peer_updated').at(-1)?.metadata).not.toHaveProperty('moderatorByToken');

  await send(cluster, a, { type: 'kick', peerId: host.peerId, ref: 1 });
  await send(cluster, a, { type: 'grant', peerId: mod.peerId, publish: false, ref: 2 });
  await send(cluster, a, { type: 'kick', peerId: phone.peerId, ref: 3 });
  expect(a.of('error').map(({ code, ref }) => [code, ref])).toEqual([1, 2, 3].map((ref) => ['forbidden', ref]));
  expect([...host.types, ...phone.types]).not.toContain('kicked');
  // A request to be quiet takes nothing from a moderator, and among themselves those made in the room are equal.
  await send(cluster, a, { type: 'mute', peerId: mod.peerId, kind: 'audio', ref: 4 });
  await send(cluster, a, { type: 'kick', peerId: b.peerId, ref: 5 });
  expect(a.of('done').map(({ ref }) => ref)).toEqual([4, 5]);
  // A moderator by token takes it from another one, who is like anybody else then.
  await send(cluster, mod, { type: 'grant', peerId: host.peerId, kick: false });
  expect(a.of('peer_updated').at(-1)).toMatchObject({ peerId: host.peerId, metadata: {} });
  await send(cluster, a, { type: 'kick', peerId: host.peerId, ref: 6 });
  expect(host.types).toContain('kicked');
  expect(a.of('done').at(-1)).toMatchObject({ ref: 6 });
});
