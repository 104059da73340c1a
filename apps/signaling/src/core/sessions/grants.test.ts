/** What a room lets somebody do beside their token, while stores forget, are away, and tokens change. */
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

test('S-49 the room sees who moderates, also of a client that says nothing of itself', async () => {
  const { cluster, n2, a } = await moderated();
  const quiet = new Client(n2, 'quiet', { kick: true });
  await send(cluster, quiet, { type: 'join', roomId: 'r' });
  expect(a.of('peer_joined').at(-1)).toMatchObject({ peerId: quiet.peerId, metadata: { moderator: true } });
});
