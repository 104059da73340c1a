/** What one socket may do to a node and to others: raw clients that no library would be. Titles name rules of docs/service-contracts.md. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignalingService } from '../app.ts';
import { connectClient, startTestKeys, startTestNode, type TestClient, type TestKeys } from '../testing.ts';
import { closeFrame, frame, Opcode, RawClient } from '../wire/testing.ts';

let keys: TestKeys;
let node: SignalingService;
let rooms = 0;
const newRoom = () => `hostile-${++rooms}`;
beforeAll(async () => {
  keys = await startTestKeys();
  node = await startTestNode({ keys });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});
const wait = { timeout: 20_000 };

async function rawClient(userId: string): Promise<RawClient> {
  const protocols = `signal.v1, bearer.${await keys.token(userId)}`;
  const client = await RawClient.open({ port: node.port, path: '/ws/signal', protocols });
  await expect.poll(() => client.messages[0]?.type, wait).toBe('welcome');
  return client;
}

async function member(userId: string, room: string): Promise<TestClient> {
  const client = await connectClient(node, await keys.token(userId));
  await client.join(room);
  return client;
}

const message = (body: object) => frame(Opcode.text, JSON.stringify(body));

test('S-17 a ping is answered with its payload; of many in one read the last answers for all', async () => {
  using client = await rawClient('pinger');
  client.send(...Array.from({ length: 50 }, (_, i) => frame(Opcode.ping, `p${i}`)), message({ type: 'ping', t: 1 }));
  await expect.poll(() => client.messages.some((m) => m.type === 'pong'), wait).toBe(true);
  const pongs = client.frames.filter((f) => f.opcode === Opcode.pong).map((f) => String(f.payload));
  expect(pongs.at(-1)).toBe('p49');
  expect(pongs.length).toBeLessThan(50);
});

test.each([
  ['empty pings', frame(Opcode.ping, '')],
  ['long pings', frame(Opcode.ping, 'x'.repeat(125))],
  ['pongs that nobody asked for', frame(Opcode.pong, '')],
  ['binary frames', frame(Opcode.binary, 'x')],
  ['empty messages', frame(Opcode.text, '')],
  [
    'messages in empty fragments',
    Buffer.concat([
      frame(Opcode.text, '', { fin: false }),
      ...Array.from({ length: 30 }, () => frame(Opcode.continuation, '', { fin: false })),
      frame(Opcode.continuation, '{"type":"ping"}'),
    ]),
  ],
])(
  'S-15 a flood of %s costs its bucket: the socket is closed with 4006, and its answers are few',
  async (name, bytes) => {
    using client = await rawClient(`flood ${name}`);
    for (let i = 0; i < 80; i++) client.send(...Array.from({ length: 100 }, () => bytes));
    await expect.poll(() => client.closeCode, wait).toBe(4006);
    expect(client.frames.length).toBeLessThan(700);
  },
);

test('S-15 fragments of a message that never ends are cut off with 1008', async () => {
  using client = await rawClient('fragments');
  client.send(frame(Opcode.text, '', { fin: false }));
  client.send(...Array.from({ length: 1000 }, () => frame(Opcode.continuation, '', { fin: false })));
  await expect.poll(() => client.closeCode, wait).toBe(1008);
});

test('S-18 a flood of big broadcasts ends the flooder, not a member that reads slowly', async () => {
  const room = newRoom();
  using slow = await member('slow', room);
  using other = await member('other', room);
  using flooder = await member('flooder', room);
  const slowId = (slow as TestClient & { welcome: { peerId: string } }).welcome.peerId;
  slow.ws.pause();
  const data = 'x'.repeat(60_000);
  for (let i = 0; i < 300; i++) flooder.send({ type: 'message', data, n: i });
  expect(await flooder.whenClosed()).toBe(4006);
  await other.next('peer_left');
  expect(
    other.heard.filter((m) => m.type === 'peer_away' || m.type === 'peer_left').map((m) => m.peerId),
  ).not.toContain(slowId);
  slow.ws.resume();
  await slow.next('peer_left');
  expect(slow.closed).toBeUndefined();
  // Two seconds' worth, and what time added meanwhile.
  const passed = slow.heard.filter((m) => m.type === 'message').length;
  expect(passed).toBeGreaterThanOrEqual(8);
  expect(passed).toBeLessThan(40);
});

test('S-18 a broadcast costs its bytes for each receiver', async () => {
  await using small = await startTestNode({ keys, config: { USER_FAN_OUT_BYTES_PER_SECOND: 20_000 } });
  const join = async (userId: string) => {
    const client = await connectClient(small, await keys.token(userId));
    await client.join('fan-out');
    return client;
  };
  using sender = await join('sender');
  using a = await join('a');
  using b = await join('b');
  using c = await join('c');
  // Three receivers: 27 KB of the 40 KB that a burst has, then as much again.
  sender.send({ type: 'message', data: 'x'.repeat(9000) });
  await c.next('message');
  sender.send({ type: 'message', data: 'x'.repeat(9000) });
  const refusal = await sender.next('error');
  expect(refusal).toMatchObject({ code: 'rate_limited', replyTo: 'message' });
  expect(refusal.retryAfter).toBeGreaterThan(0);
  await sender.settle();
  expect([a, b, c].map((m) => m.heard.filter((h) => h.type === 'message').length)).toEqual([1, 1, 1]);
});

test('S-19 a socket that sent its close frame is no member any more, though it keeps TCP open and goes on pinging', async () => {
  const room = newRoom();
  using other = await member('witness', room);
  using leaver = await rawClient('leaver');
  leaver.sendMessage({ type: 'join', roomId: room });
  const joined = await other.next('peer_joined');
  leaver.send(closeFrame(1000), frame(Opcode.ping, ''), message({ type: 'message', data: 'ghost' }));
  expect(await other.next('peer_left')).toMatchObject({ peerId: joined.peerId });
  await expect.poll(() => leaver.ended, wait).toBe(true);
  expect(other.heard.some((m) => m.type === 'message')).toBe(false);
});

test('S-10 text that is not UTF-8 closes with 1007; a good frame before it in the same read is answered', async () => {
  using client = await rawClient('latin');
  client.send(
    message({ type: 'ping', t: 7 }),
    frame(Opcode.text, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
  );
  await expect.poll(() => client.closeCode, wait).toBe(1007);
  expect(client.messages.at(-1)).toEqual({ type: 'pong', t: 7 });
  // Two fragments of one character are one character.
  using whole = await rawClient('fragmented');
  const euro = Buffer.from('{"type":"ping","t":1,"x":"€"}');
  const cut = euro.indexOf(0xe2) + 1;
  whole.send(frame(Opcode.text, euro.subarray(0, cut), { fin: false }), frame(Opcode.continuation, euro.subarray(cut)));
  await expect.poll(() => whole.messages.at(-1), wait).toEqual({ type: 'pong', t: 1 });
});

test('S-10 a good frame before a violation in the same read is answered', async () => {
  using client = await rawClient('violator');
  client.send(message({ type: 'ping', t: 8 }), frame(Opcode.text, 'x', { mask: false }));
  await expect.poll(() => client.closeCode, wait).toBe(1002);
  expect(client.messages.at(-1)).toEqual({ type: 'pong', t: 8 });
});
