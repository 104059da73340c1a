/** The protocol over real sockets, one node: handshake, frames, and what is relayed. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { TestClient } from '../testing.ts';
import { protocolSuite } from './testing-protocol.ts';

const { client, keys, node, pair } = await protocolSuite();

describe('handshake', () => {
  test('S-1 the token comes as subprotocol, as ?token= or in Authorization, and only signal.v1 is ever chosen', async () => {
    const token = await keys.token('ada');
    using sub = new TestClient(node.wsUrl, ['signal.v1', `bearer.${token}`]);
    await sub.next('welcome');
    expect(sub.ws.protocol).toBe('signal.v1');
    using query = new TestClient(`${node.wsUrl}?token=${token}`);
    await query.next('welcome');
    expect(query.ws.protocol).toBe('');
    using header = new TestClient(node.wsUrl, [], { headers: { authorization: `Bearer ${token}` } });
    await header.next('welcome');
    // The first one counts: a good token behind a bad one opens nothing.
    using both = new TestClient(`${node.wsUrl}?token=bad`, [], { headers: { authorization: `Bearer ${token}` } });
    expect((await both.until('refusal', () => both.refused)).status).toBe(401);
  });

  test('S-2 a refused token gets 401, or a close code where the client speaks signal.v1', async () => {
    using none = new TestClient(node.wsUrl);
    await none.until('refusal', () => none.refused);
    expect(none.refused?.status).toBe(401);
    using bad = new TestClient(node.wsUrl, ['signal.v1', 'bearer.x.y.z']);
    expect(await bad.whenClosed()).toBe(4001);
    const past = Math.floor(Date.now() / 1000) - 1000;
    const expired = await keys.token('ada', {}, { exp: past, iat: past - 10 });
    using old = new TestClient(node.wsUrl, ['signal.v1', `bearer.${expired}`]);
    expect(await old.whenClosed()).toBe(4002);
  });

  test('S-3 a page of another origin gets 403; its own host and no origin at all pass', async () => {
    const token = await keys.token('ada');
    using evil = new TestClient(`${node.wsUrl}?token=${token}`, [], { origin: 'https://evil.example' });
    await evil.until('refusal', () => evil.refused);
    expect(evil.refused?.status).toBe(403);
    using own = new TestClient(`${node.wsUrl}?token=${token}`, [], { origin: node.url });
    await own.next('welcome');
  });

  test('S-4 welcome is the first frame and names session, limits and node', async () => {
    using c = await client('ada', { maxRoomSize: 3, maxFrameBytes: 2048 });
    expect(c.heard[0]).toMatchObject({
      type: 'welcome',
      heartbeat: { interval: 25_000, timeout: 60_000 },
      limits: { maxFrameBytes: 2048, maxRoomSize: 3, messagesPerSecond: 100, graceSeconds: 60 },
      node: node.node.name,
    });
    expect(c.welcome.sessionToken.length).toBeGreaterThan(30);
  });

  test('S-5 another path is 404, and plain HTTP on the signaling path is 426', async () => {
    using c = new TestClient(node.wsUrl.replace('/ws/signal', '/ws/other'));
    await c.until('refusal', () => c.refused);
    expect(c.refused?.status).toBe(404);
    expect((await fetch(`${node.url}/nothing`)).status).toBe(404);
    const probe = await fetch(`${node.url}/ws/signal`);
    expect(probe.status).toBe(426);
    expect(probe.headers.get('upgrade')).toBe('websocket');
  });

  test('S-6 liveness asks nobody; readiness names each dependency', async () => {
    expect(await (await fetch(`${node.url}/health/live`)).json()).toMatchObject({ status: 'ok', service: 'signaling' });
    const ready = await fetch(`${node.url}/health/ready`);
    expect(await ready.json()).toMatchObject({
      dependencies: { backplane: { state: 'up' }, keys: { state: 'up' }, revocations: {} },
    });
  });
});

describe('frames', () => {
  test.each([
    ['no JSON', '{"type":'],
    ['an array', '[1]'],
    ['text behind the object', '{"type":"ping"} x'],
    ['a string', '"x"'],
    ['nothing', ''],
  ])('S-10 %s is bad_json and the connection goes on', async (_name, frame) => {
    using c = await client('ada');
    c.send(frame);
    expect(await c.next('error')).toMatchObject({ code: 'bad_json' });
    await c.settle();
  });

  test('S-10 binary frames are bad_json', async () => {
    using c = await client('ada');
    c.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect(await c.next('error')).toMatchObject({ code: 'bad_json' });
    await c.settle();
  });

  test.each([
    [{}, '/type'],
    [{ type: 7 }, '/type'],
    [{ type: 'join' }, '/roomId'],
    [{ type: 'join', roomId: 'a b' }, '/roomId'],
    [{ type: 'join', roomId: 'x'.repeat(129) }, '/roomId'],
    [{ type: 'join', roomId: 'Cafe\u0301' }, '/roomId'],
    [{ type: 'join', roomId: '会'.repeat(43) }, '/roomId'],
    [{ type: 'join', roomId: 'r', metadata: { name: 'x'.repeat(65) } }, '/metadata/name'],
    [{ type: 'offer', sdp: 'x' }, '/peerId'],
    [{ type: 'offer', peerId: 7, sdp: 'x' }, '/peerId'],
    [{ type: 'offer', peerId: '', sdp: 'x' }, '/peerId'],
    [{ type: 'offer', peerId: 'p' }, '/sdp'],
    [{ type: 'offer', peerId: 'p', sdp: 'x', id: 0 }, '/id'],
    [{ type: 'offer', peerId: 'p', sdp: 'x', id: 1.5 }, '/id'],
    [{ type: 'ice-candidate', peerId: 'p' }, '/candidate'],
    [{ type: 'receipt', peerId: 'p' }, '/id'],
    [{ type: 'message' }, '/data'],
    [{ type: 'kick' }, '/peerId'],
    [{ type: 'resume' }, '/sessionToken'],
  ])('S-11 %j is bad_message and names the field %s', async (message, field) => {
    using c = await client('ada');
    c.send(message);
    const error = await c.next('error');
    expect(error).toMatchObject({ code: 'bad_message', field });
    if (typeof (message as { type?: unknown }).type === 'string')
      expect(error.replyTo).toBe((message as { type: string }).type);
    await c.settle();
  });

  test('S-12 an unknown type is refused and nothing else happens; unknown fields are carried', async () => {
    const { a, b, bId } = await pair();
    a.send({ type: 'hologram', peerId: bId });
    expect(await a.next('error')).toMatchObject({ code: 'unknown_type', replyTo: 'hologram' });
    a.send({ type: 'offer', peerId: bId, sdp: 'x', future: { a: [1] } });
    expect(await b.next('offer')).toMatchObject({ future: { a: [1] } });
  });

  test('S-13 a frame over the limit is too_large; far over it closes with 1009', async () => {
    using c = await client('ada');
    c.send({ type: 'ping', pad: 'x'.repeat(17_000) });
    expect(await c.next('error')).toMatchObject({ code: 'too_large' });
    c.send({ type: 'ping', pad: 'x'.repeat(40_000) });
    expect(await c.whenClosed()).toBe(1009);
  });

  test('S-13 the limit of the token counts', async () => {
    using c = await client('ada', { maxFrameBytes: 1024 });
    c.send({ type: 'ping', pad: 'x'.repeat(1100) });
    expect(await c.next('error')).toMatchObject({ code: 'too_large' });
  });

  test('S-14 repeated nonsense closes with 4006', async () => {
    using c = await client('ada');
    for (let i = 0; i < 40; i++) c.send('nonsense');
    expect(await c.whenClosed()).toBe(4006);
    expect(c.heard.filter((m) => m.type === 'error').length).toBeGreaterThanOrEqual(30);
  });

  test('S-15 more messages than the limit are refused with retryAfter', async () => {
    using c = await client('fast');
    for (let i = 0; i < 3000; i++) c.send({ type: 'ping' });
    const error = await c.next('error');
    expect(error).toMatchObject({ code: 'rate_limited' });
    expect(error.retryAfter).toBeGreaterThan(0);
  });

  test('S-16 ping is answered by pong with the same t', async () => {
    using c = await client('ada');
    c.send({ type: 'ping', t: 12.5 });
    expect(await c.next('pong')).toEqual({ type: 'pong', t: 12.5 });
  });
});

describe('relaying', () => {
  test('S-30 a directed message arrives with peerId = the sender and everything else as it was', async () => {
    const { a, b, aId, bId } = await pair();
    const sdp = { type: 'offer', sdp: 'v=0\r\n"ü \\ \u2028 𝄞' };
    a.send({ type: 'offer', peerId: bId, sdp, id: 7, base: 3 });
    expect(await b.next('offer')).toEqual({ type: 'offer', peerId: aId, sdp, id: 7, base: 3 });
    b.send({ type: 'answer', peerId: aId, sdp: 'x' });
    expect(await a.next('answer')).toEqual({ type: 'answer', peerId: bId, sdp: 'x' });
    a.send({ type: 'ice-candidate', peerId: bId, candidate: null });
    expect(await b.next('ice-candidate')).toEqual({ type: 'ice-candidate', peerId: aId, candidate: null });
    a.send({ type: 'receipt', peerId: bId, id: 9 });
    expect(await b.next('receipt')).toEqual({ type: 'receipt', peerId: aId, id: 9 });
    a.send({ type: 'message', peerId: bId, data: [1] });
    expect(await b.next('message')).toEqual({ type: 'message', peerId: aId, data: [1] });
  });

  test.each([
    ['two peerIds', '{"type":"offer","peerId":"X","sdp":1,"peerId":"BOB"}'],
    ['an escaped key', '{"type":"offer","peerId":"BOB","sdp":1,"\\u0070eerId":"BOB"}'],
    ['two types', '{"type":"kicked","peerId":"BOB","sdp":1,"type":"offer"}'],
    ['an escaped type', '{"\\u0074ype":"offer","peerId":"BOB","sdp":1}'],
    ['braces in strings', '{"type":"offer","peerId":"BOB","sdp":"}\\"}"}'],
    ['space behind', '{"type":"offer","peerId":"BOB","sdp":1} \n\t'],
  ])('S-31 neither sender nor type can be forged: %s', async (_name, frame) => {
    const { a, b, aId, bId } = await pair();
    a.send(frame.replaceAll('BOB', bId));
    expect(await b.next('offer')).toMatchObject({ type: 'offer', peerId: aId });
    expect(b.heard.every((m) => ['welcome', 'joined', 'offer'].includes(m.type))).toBe(true);
  });

  test('S-30 each of several addressees gets what names it', async () => {
    const { room, a, b, bId } = await pair();
    using c = await client('eve');
    await c.join(room);
    const cId = c.welcome.peerId as string;
    const turns = [bId, cId, cId, bId, cId, bId];
    for (const [n, peerId] of turns.entries()) a.send({ type: 'message', peerId, data: n });
    for (const peer of [b, c]) {
      const own = turns.flatMap((to, n) => (to === peer.welcome.peerId ? [n] : []));
      await peer.next('message', (m) => m.data === own.at(-1));
      expect(peer.heard.filter((m) => m.type === 'message').map((m) => m.data)).toEqual(own);
    }
  });

  test('S-31 a malformed frame is never relayed', async () => {
    const { a, b, bId } = await pair();
    a.send(`{"type":"offer","peerId":"${bId}","sdp":tru}`);
    expect(await a.next('error')).toMatchObject({ code: 'bad_json' });
    a.send(`{"type":"offer","peerId":"${bId}","sdp":"a\nb"}`);
    expect(await a.next('error')).toMatchObject({ code: 'bad_json' });
    await b.settle();
    expect(b.heard.some((m) => m.type === 'offer')).toBe(false);
  });

  test('S-32 messages of one sender arrive in order, directed and to the room alike', async () => {
    const { a, b, bId } = await pair();
    for (let i = 1; i <= 200; i++)
      a.send(i % 3 === 0 ? { type: 'message', data: i } : { type: 'message', peerId: bId, data: i });
    await b.next('message', (m) => m.data === 200);
    const numbers = b.heard.filter((m) => m.type === 'message').map((m) => m.data);
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test('S-33 only peers of one room reach each other: unknown_peer, not_in_room', async () => {
    const { a } = await pair();
    const other = await pair();
    a.send({ type: 'offer', peerId: other.bId, sdp: 'x', id: 4 });
    expect(await a.next('error')).toMatchObject({ code: 'unknown_peer', replyTo: 'offer', peerId: other.bId, id: 4 });
    using c = await client('eve');
    c.send({ type: 'offer', peerId: other.bId, sdp: 'x' });
    expect(await c.next('error')).toMatchObject({ code: 'not_in_room' });
    await other.b.settle();
    expect(other.b.heard.some((m) => m.type === 'offer')).toBe(false);
  });

  test('S-34 a message without peerId reaches everybody else in the room, and only them', async () => {
    const { a, b, aId, room } = await pair();
    using c = await client('eve');
    await c.join(room);
    const other = await pair();
    a.send({ type: 'message', data: 'hi' });
    for (const peer of [b, c]) expect(await peer.next('message')).toEqual({ type: 'message', peerId: aId, data: 'hi' });
    await a.settle();
    await other.b.settle();
    expect([...a.heard, ...other.b.heard].some((m) => m.type === 'message')).toBe(false);
  });
});
