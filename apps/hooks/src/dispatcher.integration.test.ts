/** Partitions do not wait for each other: one server of a Redis Cluster is frozen, and events of rooms on the others go on. Real parts. */
import { connectRedis } from '@tandem/service';
import { PARTITIONS, partitionOf } from '@tandem/service/room-events';
import { startCluster } from '@tandem/service/testing';
import { expect, test, vi } from 'vitest';
import { Endpoints } from './endpoints.ts';
import { keys } from './keys.ts';
import { SecretBox } from './secret-box.ts';
import { startReceiver, startTestHooks, testHooksEnvironment } from './testing.ts';

const WAIT = { timeout: 60_000, interval: 100 };
const JWKS_URL = 'http://127.0.0.1:9/jwks.json';

/** A room of that partition. */
function roomOf(partition: number): string {
  for (let i = 0; ; i++) if (partitionOf(`room-${i}`) === partition) return `room-${i}`;
}

test('E-5 one server of a Cluster is frozen: events of rooms on the others go on, and its own come later', async () => {
  await using cluster = await startCluster();
  for (const server of cluster.servers)
    await cluster.administer(server, 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
  const redis = connectRedis(cluster.url);
  redis.on('error', () => {});
  const slotOf = async (key: string) =>
    Number(await cluster.administer(cluster.servers[0] as never, 'CLUSTER', 'KEYSLOT', key));
  // Of the slots of startCluster: thirds.
  const serverOf = async (key: string) => Math.min(2, Math.floor((await slotOf(key)) / 5461.34));
  const home = await serverOf(keys.endpoints);
  const servers = await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => serverOf(keys.outbox(p))));
  const frozen = servers.find((server) => server !== home) as number;
  const rooms = servers.map((server, partition) => ({ server, room: roomOf(partition) }));
  const ofFrozen = rooms.filter(({ server }) => server === frozen).map(({ room }) => room);
  const ofOthers = rooms.filter(({ server }) => server !== frozen).map(({ room }) => room);
  const join = (room: string) =>
    redis.xadd(keys.outbox(partitionOf(room)), '*', 'e', `10 10 1 ${room}\n1 joined peer "ada"`);

  await using receiver = await startReceiver();
  const environment = testHooksEnvironment({ redisUrl: cluster.url, jwksUrl: JWKS_URL });
  const endpoints = new Endpoints(redis, new SecretBox(environment.WEBHOOK_KEY ?? ''));
  await endpoints.create({ url: receiver.url, description: '', types: ['peer.joined'], rooms: ['*'] });
  await using _hooks = await startTestHooks({ redisUrl: cluster.url, jwksUrl: JWKS_URL });
  const joined = () => receiver.received.map(({ event }) => event.roomId as string).sort();
  const [early, ...later] = ofOthers as [string, ...string[]];
  await join(early);
  await vi.waitFor(() => expect(joined()).toEqual([early]), WAIT);
  await Promise.all(ofFrozen.map(join));
  cluster.servers[frozen]?.kill('SIGSTOP');
  try {
    await Promise.all(later.map(join));
    await vi.waitFor(() => expect(joined()).toEqual(expect.arrayContaining(ofOthers)), WAIT);
  } finally {
    cluster.servers[frozen]?.kill('SIGCONT');
  }
  await vi.waitFor(() => expect(joined()).toEqual([...ofOthers, ...ofFrozen].sort()), WAIT);
  redis.disconnect();
});
