/** When a Janus is given up, by one that answers as a test says. The real one: janus-engine.test.ts. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { JanusClient } from './janus-client.ts';

const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** Answers requests of that kind until `answers` says no more. */
async function start(answers: (janus: string, count: number) => object | undefined, keepaliveMs = 5) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'janus-protocol' });
  servers.push(server);
  const counts = new Map<string, number>();
  const connections: WebSocket[] = [];
  const asked: { janus: string; transaction: string; handle_id?: number }[] = [];
  server.on('connection', (socket) => {
    connections.push(socket);
    socket.on('message', (text) => {
      const request = JSON.parse(String(text)) as (typeof asked)[number];
      const { janus, transaction } = request;
      asked.push(request);
      const count = (counts.get(janus) ?? 0) + 1;
      counts.set(janus, count);
      const answer = answers(janus, count);
      if (answer) socket.send(JSON.stringify({ ...answer, transaction }));
    });
  });
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await JanusClient.connect(url, 'secret', keepaliveMs);
  let reason: string | undefined;
  void client.gone.then((why) => (reason = why));
  const say = (frame: object) => connections[0]?.send(JSON.stringify(frame));
  const state = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return reason;
  };
  return { client, counts, connections, asked, say, state };
}
const created = { janus: 'success', data: { id: 1 } };
const healthy = (janus: string) => (janus === 'keepalive' ? { janus: 'ack' } : created);

test('one that answers is not given up, nor one that we leave', async () => {
  const { client, counts, say, state } = await start(healthy);
  // Of a handle, not of the session.
  say({ janus: 'timeout', session_id: 1, sender: 7 });
  expect(await state(100)).toBeUndefined();
  expect(counts.get('keepalive')).toBeGreaterThan(3);
  client.close();
  expect(await state(50)).toBeUndefined();
});

test('one that ends our session, or no longer has it, is gone at once, and what was asked fails', async () => {
  const told = await start(healthy);
  told.say({ janus: 'timeout', session_id: 1 });
  expect(await told.client.gone).toBe('it has ended our session');
  await expect(told.client.attach('plugin', { onFrame() {}, onPlugin() {} })).rejects.toMatchObject({ code: 'gone' });
  const error = { janus: 'error', error: { code: 458, reason: 'No such session' } };
  const refusing = await start((janus, count) => (janus === 'keepalive' && count > 2 ? error : healthy(janus)));
  expect(await refusing.client.gone).toBe('it has ended our session');
});

test('one whose connection is cut is gone', async () => {
  const { client, connections } = await start(healthy);
  connections[0]?.terminate();
  expect(await client.gone).toBe('its connection was closed');
});

test('one that does not answer twice in a row is gone, and one that misses one is not', async () => {
  const hung = await start((janus, count) => (janus === 'keepalive' && count > 1 ? undefined : healthy(janus)));
  const slow = await start((janus, count) => (janus === 'keepalive' && count === 2 ? undefined : healthy(janus)));
  expect(await hung.client.gone).toBe('it did not answer 2 keepalives');
  expect(hung.counts.get('keepalive')).toBe(3);
  expect(await slow.state(0)).toBeUndefined();
  expect(slow.counts.get('keepalive')).toBeGreaterThan(3);
  slow.client.close();
}, 40_000);

test('a handle that comes after its request was given up is detached: else nothing ever ended it', async () => {
  const { client, asked, say } = await start((janus) => (janus === 'attach' ? undefined : healthy(janus)), 1000);
  await expect(client.attach('plugin', { onFrame() {}, onPlugin() {} })).rejects.toMatchObject({ code: 'timeout' });
  const { transaction } = asked.find(({ janus }) => janus === 'attach') ?? {};
  say({ janus: 'success', transaction, data: { id: 77 } });
  await vi.waitFor(() => expect(asked.filter(({ janus }) => janus === 'detach')).toMatchObject([{ handle_id: 77 }]));
  client.close();
}, 20_000);
