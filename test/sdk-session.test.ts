/** The SDK's session against a real node, with the WebSocket that Node itself brings. */
import { SignalingSession } from '@tandem/rtc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';

let keys: TestKeys;
beforeAll(async () => {
  keys = await startTestKeys();
});
afterAll(async () => {
  await keys?.[Symbol.asyncDispose]();
});

const session = (url: string, name: string, claims = {}) =>
  new SignalingSession({ url, getToken: () => keys.token(name, undefined, claims) });

test('two sessions: join, message, metadata, leave', async () => {
  await using node = await startTestNode({ keys });
  using ada = session(node.wsUrl, 'ada');
  using bob = session(node.wsUrl, 'bob');
  await ada.join('kitchen', { name: 'Ada' });
  const arrived = ada.once('peer-joined');
  await bob.join('kitchen', { name: 'Bob' });
  expect((await arrived).peer).toMatchObject({ userId: 'bob', metadata: { name: 'Bob' } });
  const heard = ada.once('message');
  expect(await bob.sendTo(ada.peerId ?? '', 'message', { data: { hello: 1 } })).toEqual({ ok: true, confirmed: true });
  expect(await heard).toEqual({ peerId: bob.peerId, data: { hello: 1 } });
  // One frame, to the room and to one of it.
  for (const to of [undefined, ada.peerId]) {
    const once = ada.once('message');
    expect(bob.sendOnce({ to: to ?? 'all' }, to)).toBe(true);
    expect(await once).toEqual({ peerId: bob.peerId, data: { to: to ?? 'all' } });
  }
  const updated = bob.once('peer-updated');
  ada.update({ name: 'Ada L.' });
  expect((await updated).peer.metadata).toMatchObject({ name: 'Ada L.' });
  const left = ada.once('peer-left');
  bob.leave();
  expect((await left).reason).toBe('left');
});

test('overload: the handshake fails without a reason, the knock says how long to wait', async () => {
  await using node = await startTestNode({ keys, config: { MAX_CONNECTIONS: 1 } });
  using ada = session(node.wsUrl, 'ada');
  await ada.connect();
  const answer = await fetch(`${node.url}/ws/signal`);
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  using bob = session(node.wsUrl, 'bob');
  const waiting = new Promise<number>((resolve) => {
    bob.on('state', ({ retryIn }) => {
      if (retryIn !== undefined) resolve(retryIn);
    });
  });
  bob.connect().catch(() => {});
  // The server spreads its answers, from one second on; by itself the session would come back within half a second.
  expect(await waiting).toBeGreaterThanOrEqual(1000);
});

test('a node with room says that it wants an upgrade', async () => {
  await using node = await startTestNode({ keys });
  const answer = await fetch(`${node.url}/ws/signal`);
  expect(answer.status).toBe(426);
  expect(answer.headers.get('upgrade')).toBe('websocket');
});

test('a refused token ends the session with its reason', async () => {
  await using node = await startTestNode({ keys });
  const ada = session(node.wsUrl, 'ada', { aud: 'somebody-else' });
  await expect(ada.connect()).rejects.toMatchObject({ code: 'tokenRefused' });
  expect(ada.state).toBe('closed');
});

test('the network comes back: `online` cuts a long wait short', async () => {
  const target = new EventTarget();
  const listeners = {
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  };
  Object.assign(globalThis, listeners);
  try {
    const node = await startTestNode({ keys });
    const ada = new SignalingSession({
      url: node.wsUrl,
      getToken: () => keys.token('ada'),
      backoff: { initial: 3_600_000, max: 3_600_000 },
      random: () => 0.9,
    });
    await ada.connect();
    await node.kill();
    while (ada.state === 'open') await ada.once('state');
    await using next = await startTestNode({ keys, config: { PORT: node.port } });
    // The retry stands an hour away.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(ada.state).toBe('reconnecting');
    target.dispatchEvent(new Event('online'));
    await ada.connect();
    expect(next.node.connections.size).toBe(1);
    ada.close();
  } finally {
    for (const key of Object.keys(listeners)) Reflect.deleteProperty(globalThis, key);
  }
});
