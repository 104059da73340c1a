/** How long a revocation takes, from the request at auth to the end of what it ends. Real auth, Redis, nodes and coturn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startTestAuth } from '@tandem/auth/testing';
import { startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { join, startRelay, TURN_SECRET } from '../test/support/revocation.ts';
import { fixed, median, table } from './lib/stats.ts';

export const summary = 'from POST /auth/revoke to the closed socket and the ended allocation';

async function withRedis(rounds: number): Promise<string[][]> {
  await using redis = await startRedis();
  await using relay = await startRelay(redis.url);
  const config = { REDIS_URL: redis.url };
  await using auth = await startTestAuth({ ...config, TURN_DIRECTORY: true, TURN_SECRETS: TURN_SECRET });
  await using one = await startTestNode({ keys: auth, config });
  await using two = await startTestNode({ keys: auth, config });
  const sockets: number[] = [];
  const relays: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const { token, session_id } = await auth.login(`user-${i}`);
    const nodes = [one, two].map(({ port }, n) => join(`http://127.0.0.1:${port}`, token, `room-${i}-${n}`));
    const joined = await Promise.all(nodes);
    using _allocation = await relay.allocate(auth, token);
    const start = performance.now();
    const revoked = auth.post('/auth/revoke', { session_id }, { authorization: `Bearer ${token}` });
    while (relay.node.coturn.allocations.size > 0) await sleep(1);
    relays.push(performance.now() - start);
    await revoked;
    sockets.push(Math.max(...(await Promise.all(joined.map((s) => s.closed))).map((end) => end.at)) - start);
  }
  return [
    ['sockets on two nodes, with Redis', fixed(median(sockets), 0), fixed(Math.max(...sockets), 0)],
    ['allocation at coturn', fixed(median(relays), 0), fixed(Math.max(...relays), 0)],
  ];
}

async function withoutRedis(rounds: number): Promise<string[]> {
  await using auth = await startTestAuth();
  await using node = await startTestNode({ keys: auth });
  const sockets: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const { token } = await auth.login(`user-${i}`);
    const socket = await join(`http://127.0.0.1:${node.port}`, token, `room-${i}`);
    const start = performance.now();
    await auth.post('/auth/revoke', { token });
    sockets.push((await socket.closed).at - start);
  }
  return ['socket, without Redis (long poll)', fixed(median(sockets), 0), fixed(Math.max(...sockets), 0)];
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '20' } } });
  const rounds = Number(values.rounds);
  const rows = [...(await withRedis(rounds)), await withoutRedis(rounds)];
  console.log(table([[`${rounds} revocations`, 'median ms', 'worst ms'], ...rows]));
}
