/** What moderators keep to themselves, sharing a screen and writing in the chat, and whom they let speak. */
import { expect, test } from 'vitest';
import { isMediaPeer } from '../../backplane/types.ts';
import { Client, type Cluster, pair } from '../testing.ts';

async function send(cluster: Cluster, client: Client, message: object) {
  client.send(message);
  await cluster.run();
}
const join = (cluster: Cluster, client: Client, metadata = {}) =>
  send(cluster, client, { type: 'join', roomId: 'r', metadata });

/** Ada (n1) and Bob (n2) in room `r`, with a moderator on n1. */
async function moderated() {
  const { cluster, n1, n2, a, b } = await pair();
  const mod = new Client(n1, 'mod', { kick: true, invite: true });
  await join(cluster, mod, { name: 'Mod' });
  return { cluster, n1, n2, a, b, mod };
}
const line = { tandem: 'chat', id: '1', text: 'hello', at: 1 };

test('S-49 everybody hears what moderators alone may do, at once, when they come and when they are back', async () => {
  const { cluster, n2, a, b, mod } = await moderated();
  await send(cluster, b, { type: 'set-entry', entry: 'open', chat: false, ref: 1 });
  expect(b.of('error')).toMatchObject([{ code: 'forbidden', ref: 1 }]);
  await send(cluster, mod, { type: 'set-entry', entry: 'open', chat: false, ref: 2 });
  for (const client of [a, b, mod])
    expect(client.of('entry').at(-1)).toMatchObject({ entry: 'open', share: true, chat: false, waiting: [] });
  const late = new Client(n2, 'late');
  await join(cluster, late);
  expect(late.types.slice(-2)).toEqual(['joined', 'entry']);
  b.connection.onClosed(1006);
  await send(cluster, mod, { type: 'set-entry', entry: 'open', share: false, chat: true });
  const back = new Client(n2, 'bob');
  await send(cluster, back, { type: 'resume', sessionToken: b.token });
  expect(back.of('entry').at(-1)).toMatchObject({ share: false, chat: true });
  // Who lost its session meanwhile comes as somebody new, and has heard of the restriction.
  await send(cluster, mod, { type: 'set-entry', entry: 'open', share: true });
  const again = new Client(n2, 'late');
  await join(cluster, again);
  expect(again.of('entry').at(-1)).toMatchObject({ entry: 'open', share: true, chat: true });
});

test('S-49 a change of who comes in leaves what people may do, and who asks to come in is told to moderators only', async () => {
  const { cluster, n2, a, mod } = await moderated();
  await send(cluster, mod, { type: 'set-entry', entry: 'open', share: false });
  await send(cluster, mod, { type: 'set-entry', entry: 'ask' });
  expect(mod.of('entry').at(-1)).toMatchObject({ entry: 'ask', share: false, chat: true });
  await join(cluster, new Client(n2, 'eve'), { name: 'Eve' });
  await send(cluster, mod, { type: 'set-entry', entry: 'ask', chat: false });
  expect(mod.of('entry').at(-1)?.waiting).toHaveLength(1);
  expect(a.of('entry').at(-1)).toMatchObject({ share: false, chat: false, waiting: [] });
});

test('S-47 a media node hears whether the room is open, when it comes, at each change and when it is back, and not who asks', async () => {
  const { cluster, n1, n2, mod } = await moderated();
  const node = new Client(n1, 'm1', { media: true });
  await join(cluster, node, { media: 5 });
  expect([isMediaPeer(node.peerId ?? ''), node.of('entry')]).toEqual([true, []]);
  await send(cluster, mod, { type: 'set-entry', entry: 'ask' });
  await join(cluster, new Client(n2, 'eve'), { name: 'Eve' });
  expect(node.of('entry').at(-1)).toMatchObject({ entry: 'ask', waiting: [] });
  node.connection.onClosed(1006);
  await send(cluster, mod, { type: 'set-entry', entry: 'open' });
  const back = new Client(n1, 'm1', { media: true });
  await send(cluster, back, { type: 'resume', sessionToken: node.token });
  expect(back.of('entry').at(-1)).toMatchObject({ entry: 'open' });
  await send(cluster, mod, { type: 'set-entry', entry: 'locked' });
  const next = new Client(n2, 'm2', { media: true });
  await join(cluster, next, { media: 6 });
  expect(next.of('entry').at(-1)).toMatchObject({ entry: 'locked', waiting: [] });
});

test('S-49 where moderators alone write, a chat line of anybody else is refused, and what is no chat passes', async () => {
  const { cluster, a, b, mod } = await moderated();
  await send(cluster, mod, { type: 'set-entry', entry: 'open', chat: false });
  await send(cluster, a, { type: 'message', peerId: b.peerId, id: 1, data: line });
  await send(cluster, a, { type: 'message', data: line });
  expect(a.of('error').map(({ code }) => code)).toEqual(['forbidden', 'forbidden']);
  await send(cluster, a, { type: 'message', peerId: b.peerId, id: 1, data: { tandem: 'want', video: 180 } });
  await send(cluster, mod, { type: 'message', peerId: b.peerId, id: 1, data: line });
  expect(b.of('message').map(({ peerId }) => peerId)).toEqual([a.peerId, mod.peerId]);
  await send(cluster, mod, { type: 'set-entry', entry: 'open', chat: true });
  await send(cluster, a, { type: 'message', peerId: b.peerId, id: 2, data: line });
  expect(b.of('message')).toHaveLength(3);
});

test('S-49 where moderators alone share, nobody else is shown as sharing: who does, who begins, who comes', async () => {
  const { cluster, n1, a, b, mod } = await moderated();
  const shares = { name: 'x', screen: true };
  await send(cluster, b, { type: 'update', metadata: shares });
  expect(a.of('peer_updated').at(-1)).toMatchObject({ peerId: b.peerId, metadata: { screen: true } });
  await send(cluster, mod, { type: 'set-entry', entry: 'open', share: false });
  expect(a.of('peer_updated').at(-1)).toMatchObject({ peerId: b.peerId, metadata: { screen: false } });
  await send(cluster, b, { type: 'update', metadata: shares });
  expect(a.of('peer_updated').at(-1)).toMatchObject({ peerId: b.peerId, metadata: { screen: false } });
  const late = new Client(n1, 'late');
  await join(cluster, late, shares);
  expect(a.of('peer_updated').at(-1)).toMatchObject({ peerId: late.peerId, metadata: { screen: false } });
  await send(cluster, mod, { type: 'update', metadata: shares });
  expect(a.of('peer_updated').at(-1)).toMatchObject({ peerId: mod.peerId, metadata: { screen: true } });
});

test('S-49 who is a moderator is said by the server, whatever a client says', async () => {
  const { cluster, a, b, mod } = await moderated();
  expect(a.of('peer_joined').at(-1)).toMatchObject({ peerId: mod.peerId, metadata: { name: 'Mod', moderator: true } });
  await send(cluster, b, { type: 'update', metadata: { name: 'Bob', moderator: true } });
  expect(a.of('peer_updated').at(-1)?.metadata).toEqual({ name: 'Bob' });
});

test('S-51 a moderator lets somebody of another node speak who only watches, and watch again; nobody else can', async () => {
  const { cluster, n2, a, mod } = await moderated();
  const eve = new Client(n2, 'eve', { publish: false });
  await join(cluster, eve);
  const offer = { type: 'offer', peerId: a.peerId, id: 1, sdp: 'v=0' };
  await send(cluster, a, { type: 'grant', peerId: eve.peerId, publish: true, ref: 1 });
  await send(cluster, eve, { type: 'grant', peerId: eve.peerId, publish: true, ref: 2 });
  await send(cluster, eve, offer);
  expect([...a.of('error'), ...eve.of('error')].map(({ code }) => code)).toEqual([
    'forbidden',
    'forbidden',
    'forbidden',
  ]);
  expect(eve.of('grants')).toEqual([]);

  await send(cluster, mod, { type: 'grant', peerId: eve.peerId, publish: true, ref: 3 });
  expect(mod.of('done')).toMatchObject([{ replyTo: 'grant', ref: 3 }]);
  const grants = { type: 'grants', publish: true, data: true, kick: false, invite: false };
  expect(eve.of('grants')).toEqual([grants]);
  await send(cluster, eve, offer);
  expect(a.of('offer')).toHaveLength(1);

  await send(cluster, mod, { type: 'grant', peerId: eve.peerId, publish: false });
  expect(eve.of('grants').at(-1)).toMatchObject({ publish: false });
  await send(cluster, eve, { ...offer, id: 2 });
  expect(eve.of('error')).toHaveLength(3);
});

test('S-51 anybody gives up to speak, and may be asked again', async () => {
  const { cluster, b, mod } = await moderated();
  await send(cluster, b, { type: 'grant', peerId: b.peerId, publish: false, ref: 1 });
  expect(b.of('done')).toMatchObject([{ replyTo: 'grant', ref: 1 }]);
  expect(b.of('grants').at(-1)).toMatchObject({ publish: false });
  await send(cluster, mod, { type: 'grant', peerId: b.peerId, publish: true });
  expect(b.of('grants').at(-1)).toMatchObject({ publish: true });
  await send(cluster, mod, { type: 'grant', peerId: 'nobody', publish: true, ref: 2 });
  expect(mod.of('error')).toMatchObject([{ code: 'unknown_peer', ref: 2 }]);
});

test('S-51 a moderator by token makes another one, who makes none and unmakes none, until it is taken back or given up', async () => {
  const { cluster, a, b, mod } = await moderated();
  await send(cluster, a, { type: 'grant', peerId: a.peerId, kick: true, ref: 1 });
  await send(cluster, mod, { type: 'grant', peerId: a.peerId, kick: true, ref: 2 });
  expect(mod.of('done')).toMatchObject([{ replyTo: 'grant', ref: 2 }]);
  expect(a.of('grants')).toEqual([{ type: 'grants', publish: true, data: true, kick: true, invite: false }]);
  expect(b.of('peer_updated').at(-1)).toMatchObject({ peerId: a.peerId, metadata: { moderator: true } });
  await send(cluster, a, { type: 'mute', peerId: b.peerId, kind: 'audio', ref: 3 });
  await send(cluster, a, { type: 'grant', peerId: b.peerId, publish: false, ref: 4 });
  expect(a.of('done').map(({ ref }) => ref)).toEqual([3, 4]);
  await send(cluster, a, { type: 'grant', peerId: b.peerId, kick: true, ref: 5 });
  await send(cluster, a, { type: 'grant', peerId: mod.peerId, kick: false, ref: 6 });
  expect(a.of('error').map(({ code, ref }) => [code, ref])).toEqual([1, 5, 6].map((ref) => ['forbidden', ref]));

  await send(cluster, mod, { type: 'grant', peerId: a.peerId, kick: false });
  expect(a.of('grants').at(-1)).toMatchObject({ publish: true, kick: false });
  expect(b.of('peer_updated').at(-1)?.metadata).not.toHaveProperty('moderator');
  await send(cluster, mod, { type: 'grant', peerId: a.peerId, kick: true });
  await send(cluster, a, { type: 'grant', peerId: a.peerId, kick: false });
  expect(a.of('grants').at(-1)).toMatchObject({ kick: false });
  await send(cluster, a, { type: 'mute', peerId: b.peerId, kind: 'audio', ref: 7 });
  expect(a.of('error').at(-1)).toMatchObject({ code: 'forbidden', ref: 7 });
});

test('S-51 a moderator without the grant `invite` takes back what moderators took, and nothing that token or backend did', async () => {
  const { cluster, n2, b } = await moderated();
  const host = new Client(n2, 'host', { kick: true });
  await join(cluster, host);
  const eve = new Client(n2, 'eve', { publish: false });
  await join(cluster, eve);
  const grant = (peerId: string, publish: boolean) => send(cluster, host, { type: 'grant', peerId, publish });
  await grant(eve.peerId, true);
  expect(host.of('error')).toMatchObject([{ code: 'forbidden', message: expect.stringContaining('`invite`') }]);
  expect(eve.of('grants')).toEqual([]);
  await grant(b.peerId, false);
  expect(b.of('grants').at(-1)).toMatchObject({ publish: false });
  await grant(b.peerId, true);
  expect(b.of('grants').at(-1)).toMatchObject({ publish: true });
  const room = await n2.admin.members('r');
  const record = room.find(({ peerId }) => peerId === b.peerId);
  await n2.admin.changeGrants('r', record as NonNullable<typeof record>, { publish: false });
  await cluster.run();
  await grant(b.peerId, true);
  expect(host.of('error')).toHaveLength(2);
  expect(b.of('grants').at(-1)).toMatchObject({ publish: false });
  // Nor by taking it once more themselves, and giving that back; nor does who is silenced, by giving up.
  await grant(b.peerId, false);
  await send(cluster, b, { type: 'grant', peerId: b.peerId, publish: false });
  await grant(b.peerId, true);
  expect(host.of('error')).toHaveLength(3);
  expect(b.of('grants').at(-1)).toMatchObject({ publish: false });
});

test('S-51 an invitation that is declined or taken back leaves nothing behind: with a token that lets them, they speak', async () => {
  const { cluster, n1, n2, mod } = await moderated();
  for (const by of ['eve', 'mod'] as const) {
    const eve = new Client(n2, 'eve', { publish: false });
    await join(cluster, eve, { audience: true });
    await send(cluster, mod, { type: 'grant', peerId: eve.peerId, publish: true });
    expect(eve.of('grants').at(-1)).toMatchObject({ publish: true });
    await send(cluster, by === 'mod' ? mod : eve, { type: 'grant', peerId: eve.peerId, publish: false });
    expect(eve.of('grants').at(-1)).toMatchObject({ publish: false });
    await send(cluster, eve, { type: 'leave' });
    // The same login, whose token now lets it.
    const later = new Client(n1, 'eve');
    await join(cluster, later);
    expect(later.of('grants').at(-1), by).not.toMatchObject({ publish: false });
    await send(cluster, later, { type: 'leave' });
  }
});

test('S-51 whether one is audience is said by joining: nobody who sends hides in between, or takes another place', async () => {
  const { cluster, n1, a, b } = await pair();
  await send(cluster, b, { type: 'update', metadata: { name: 'Bob', audience: true } });
  await join(cluster, b, { name: 'Bo', audience: true });
  expect(a.of('peer_updated').map(({ metadata }) => metadata)).toEqual([{ name: 'Bob' }, { name: 'Bo' }]);
  const eve = new Client(n1, 'eve');
  await join(cluster, eve, { audience: true });
  await send(cluster, eve, { type: 'update', metadata: { name: 'Eve', audience: false } });
  expect(a.of('peer_updated').at(-1)?.metadata).toEqual({ name: 'Eve', audience: true });
  await join(cluster, eve, { audience: false });
  await send(cluster, eve, { type: 'offer', peerId: a.peerId, id: 1, sdp: 'v=0' });
  expect(eve.of('error')).toMatchObject([{ code: 'forbidden' }]);
});

test('S-51 who is invited is audience until they join again, and stays it where the room is full', async () => {
  const { cluster, n2, a, mod } = await moderated();
  const eve = new Client(n2, 'eve', { publish: false, maxRoomSize: 3 });
  await join(cluster, eve, { audience: true });
  await send(cluster, mod, { type: 'grant', peerId: eve.peerId, publish: true });
  const offer = { type: 'offer', peerId: a.peerId, id: 1, sdp: 'v=0' };
  await send(cluster, eve, offer);
  await send(cluster, eve, { type: 'leave' });
  await join(cluster, eve, { audience: false });
  expect(eve.of('error').map(({ code }) => code)).toEqual(['forbidden', 'room_full']);
  await join(cluster, eve, { audience: true });
  expect(eve.of('joined')).toHaveLength(2);
  await send(cluster, eve, { type: 'leave' });
  await send(cluster, mod, { type: 'leave' });
  await join(cluster, eve, { audience: false });
  await send(cluster, eve, { ...offer, id: 2 });
  expect(a.of('offer')).toHaveLength(1);
});
