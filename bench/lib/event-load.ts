/** Joins at a steady rate, and how long until a receiver has the event of each. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { connectRedis } from '@tandem/service';
import { freePort } from '@tandem/service/testing';
import { Endpoints } from '../../apps/hooks/src/endpoints.ts';
import { SecretBox } from '../../apps/hooks/src/secret-box.ts';
import { testHooksEnvironment } from '../../apps/hooks/src/testing.ts';
import { type Proc, start } from './proc.ts';
import type { Peer, System } from './systems.ts';

/** A receiver of webhooks that answers at once and keeps what came. */
export interface EventReceiver extends AsyncDisposable {
  readonly url: string;
  /** From the change, by the clock of Redis (this machine's), to the receiver, ms; by event id. */
  readonly delays: Map<string, number>;
  repeated: number;
}

export async function startEventReceiver(): Promise<EventReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, timestamp } = JSON.parse(Buffer.concat(chunks).toString()) as { id: string; timestamp: string };
      if (receiver.delays.has(id)) receiver.repeated++;
      else receiver.delays.set(id, Date.now() - Date.parse(timestamp));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: EventReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    delays: new Map(),
    repeated: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** The hooks service as a process on the servers' core, with one endpoint for joins. */
export async function startBenchHooks(redisUrl: string, receiverUrl: string): Promise<Proc> {
  const port = await freePort();
  const env = testHooksEnvironment({
    ...{ redisUrl, jwksUrl: 'http://127.0.0.1:9/jwks.json' },
    config: { PORT: port, LOG_LEVEL: 'warn' },
  });
  const redis = connectRedis(redisUrl);
  const endpoints = new Endpoints(redis, new SecretBox(env.WEBHOOK_KEY ?? ''));
  await endpoints.create({ url: receiverUrl, description: '', types: ['peer.joined'], rooms: ['*'] });
  redis.disconnect();
  const main = fileURLToPath(new URL('../../apps/hooks/src/main.ts', import.meta.url));
  return start(process.execPath, [main], {
    env: { ...env, NODE_ENV: 'production' },
    isReady: async () =>
      (await fetch(`http://127.0.0.1:${port}/metrics`)).text().then((text) => /partitions\S* 64$/m.test(text)),
  });
}

/** Peers `first` to `first + count` with open connections, not in a room yet. */
export async function openPeers(system: System, first: number, count: number): Promise<Peer[]> {
  await system.prepare?.(first, count);
  const peers: Peer[] = [];
  let next = first;
  const lane = async () => {
    while (next < first + count) peers.push(await system.connect(next++));
  };
  await Promise.all(Array.from({ length: 25 }, lane));
  return peers;
}

/** Lets peers join rooms of two at `rate` a second. @returns joins a second that were done, once all are in */
export async function joinAt(system: System, peers: readonly Peer[], rate: number, prefix: string): Promise<number> {
  const began = performance.now();
  const joins: Promise<void>[] = [];
  while (joins.length < peers.length) {
    const due = Math.min(peers.length, Math.floor(((performance.now() - began) / 1000) * rate) + 1);
    while (joins.length < due) {
      const i = joins.length;
      joins.push(system.join(peers[i] as Peer, `${prefix}-${i >> 1}`));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(joins);
  return (peers.length / (performance.now() - began)) * 1000;
}
