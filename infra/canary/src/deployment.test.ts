/** What the canary does with a service that sheds: asks again when it says so, as clients do, and no longer than its own limit. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { askServices, askUpgrade } from './deployment.ts';

/** Signaling that sheds its first `count` requests, and auth with one key. */
async function shedding(count: number, headers: Record<string, string>): Promise<URL> {
  let left = count;
  const server = createServer((request, response) => {
    if (request.url !== '/ws/signal') return void response.end(JSON.stringify({ keys: [{ kid: 'k' }] }));
    if (left-- > 0) return void response.writeHead(503, headers).end();
    response.writeHead(426).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test('a service that sheds for a moment is asked again when it says, and passes', async () => {
  const origin = await shedding(2, { 'retry-after': '1' });
  const options = { origin, timeoutMs: 15_000 };
  await askServices({ auth: origin, signaling: origin }, options);
  expect(await askUpgrade(new URL('/ws/signal', origin), options)).toEqual({ status: 426, waited: false });
});

test('it sheds for longer than the limit, or does not say when to come back: a fault', async () => {
  const longer = await shedding(100, { 'retry-after': '1' });
  const ask = (origin: URL) => askServices({ auth: origin, signaling: origin }, { origin, timeoutMs: 1500 });
  await expect(ask(longer)).rejects.toThrow('/ws/signal answers 503 to a plain request, in place of 426');
  const mute = await shedding(1, {});
  await expect(ask(mute)).rejects.toThrow('/ws/signal answers 503');
});
