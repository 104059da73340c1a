import { expect, test } from 'vitest';
import { connectRedis } from './redis.ts';
import { startRedis } from './testing/index.ts';
import {
  pickTurnNodes,
  readTurnNodes,
  removeTurnNode,
  TURN_DIRECTORY_KEY,
  type TurnNode,
  turnUris,
  writeTurnNode,
} from './turn-directory.ts';

const node = (publicIp: string, more: Partial<TurnNode> = {}): TurnNode => ({
  publicIp,
  zone: 'a',
  load: 0.1,
  state: 'serving',
  updatedAt: Date.now(),
  ...more,
});

test('lists serving nodes that were heard of lately, and nothing malformed', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  await writeTurnNode(redis, 'n1', node('192.0.2.1'));
  await writeTurnNode(redis, 'n2', node('192.0.2.2', { state: 'draining' }));
  await writeTurnNode(redis, 'gone', node('192.0.2.3'));
  await removeTurnNode(redis, 'gone');
  await redis.hset(TURN_DIRECTORY_KEY, 'dead', JSON.stringify(node('192.0.2.4', { updatedAt: Date.now() - 21_000 })));
  await redis.hset(TURN_DIRECTORY_KEY, 'bad', '{');
  expect((await readTurnNodes(redis)).map((n) => n.publicIp)).toEqual(['192.0.2.1']);
  redis.disconnect();
});

test('prefers the zone and the idle, spreads equals, and takes the full only when nothing else is left', () => {
  const near = node('192.0.2.1', { load: 0.3 });
  const far = node('192.0.2.2', { zone: 'b', load: 0.2 });
  const full = node('192.0.2.3', { load: 0.95 });
  expect(pickTurnNodes([full, far, near], 'a').map((n) => n.publicIp)).toEqual(['192.0.2.1', '192.0.2.2']);
  expect(pickTurnNodes([full], 'a')).toHaveLength(1);
  const firsts = new Set(
    Array.from({ length: 200 }, () => pickTurnNodes([node('192.0.2.5'), node('192.0.2.6')])[0]?.publicIp),
  );
  expect(firsts.size).toBe(2);
});

test('names at most three URIs, with TLS where there is a certificate', () => {
  expect(turnUris([])).toEqual([]);
  expect(turnUris([node('192.0.2.1')])).toEqual([
    'turn:192.0.2.1:3478?transport=udp',
    'turn:192.0.2.1:3478?transport=tcp',
  ]);
  expect(turnUris([node('2001:db8::1', { host: 't1.example.com' })])).toEqual([
    'turn:[2001:db8::1]:3478?transport=udp',
    'turn:[2001:db8::1]:3478?transport=tcp',
    'turns:t1.example.com:5349?transport=tcp',
  ]);
  expect(
    turnUris([node('192.0.2.1', { host: 't1.example.com' }), node('192.0.2.2', { host: 't2.example.com' })]),
  ).toEqual([
    'turn:192.0.2.1:3478?transport=udp',
    'turn:192.0.2.2:3478?transport=udp',
    'turns:t1.example.com:5349?transport=tcp',
  ]);
});
