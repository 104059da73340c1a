/** Sockets through the edge, those that are refused, and clients that break off. */
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { open, start, startNode } from './testing.ts';

test('sockets spread over the nodes, keep their subprotocol and bytes, and their tokens stay out of the log', async () => {
  const signaling = [await startNode('a'), await startNode('b')];
  const { origin, lines } = await start({ signaling });
  const opened = [await open(origin), await open(origin), await open(origin), await open(origin)];
  expect(opened.map((o) => o.node).sort()).toEqual(['a', 'a', 'b', 'b']);
  expect(opened[0]?.ws.protocol).toBe('signal.v1');
  const echo = new Promise((resolve) => opened[0]?.ws.once('message', (d) => resolve(d.toString().length)));
  opened[0]?.ws.send('x'.repeat(200_000));
  expect(await echo).toBe(200_000);
  const code = new Promise((resolve) => opened[1]?.ws.once('close', resolve));
  for (const ws of signaling.find((n) => n.name === opened[1]?.node)?.sockets ?? []) ws.close(4003, 'kicked');
  expect(await code).toBe(4003);
  expect(lines.join('')).not.toContain('hidden');
});

test('a draining, refusing or dead node gets no new sockets while another lives', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  const { origin } = await start({ signaling: [a, b] });
  a.state.draining = true;
  const draining = () =>
    fetch(`${origin}/health`).then((r) => r.json() as Promise<{ parts: { signaling: { draining: boolean }[] } }>);
  await vi.waitFor(async () => expect((await draining()).parts.signaling[0]?.draining).toBe(true), { timeout: 20_000 });
  for (let i = 0; i < 3; i += 1) expect((await open(origin)).node).toBe('b');
  a.state.draining = false;
  await vi.waitFor(async () => expect((await draining()).parts.signaling[0]?.draining).toBe(false), {
    timeout: 20_000,
  });
  a.state.refuse = 503;
  expect((await open(origin)).node).toBe('b');
  a.state.refuse = 401;
  await expect(open(origin)).rejects.toThrow('401');
  await a.close();
  expect((await open(origin)).node).toBe('b');
  await b.close();
  await expect(open(origin)).rejects.toThrow('503');
});

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`;

test('clients that ask for a socket and reset the connection, on whichever path, do not end the edge', async () => {
  const node = await startNode('a');
  node.state.refuse = 403;
  const { origin } = await start({ signaling: [node] });
  const paths = ['/nothing', '/%00', '/ws/signal', '/ws/captions'];
  await Promise.all(
    paths.flatMap((path) =>
      Array.from({ length: 20 }, async (_, n) => {
        const client = connect(Number(new URL(origin).port), '127.0.0.1', () => client.write(upgrade(path)));
        client.on('error', () => {});
        await new Promise((resolve) => setTimeout(resolve, n % 4));
        client.resetAndDestroy();
      }),
    ),
  );
  expect((await fetch(origin)).status).toBe(200);
});

test('who is refused a socket and does not close its side is closed', async () => {
  const node = await startNode('a');
  node.state.refuse = 403;
  const { origin } = await start({ signaling: [node] });
  for (const path of ['/nothing', '/ws/signal']) {
    const client = connect({ port: Number(new URL(origin).port), allowHalfOpen: true }, () =>
      client.write(upgrade(path)),
    );
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.on('error', () => {}).resume();
    await new Promise((resolve) => client.once('end', resolve));
    const talking = setInterval(() => client.write('x'), 100);
    onTestFinished(() => clearInterval(talking));
    await closed;
  }
});
