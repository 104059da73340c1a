/**
 * What may be lost, and how a backend hears of it: a receiver that does not answer a test, a full outbox, a webhook that is given up, an
 * emptied Redis, a room whose nodes all died.
 * With the real parts.
 */
import { outboxKey, partitionOf } from '@tandem/service/room-events';
import { startRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { keys as hooksKeys } from '../apps/hooks/src/keys.ts';
import { type Receiver, startReceiver, startTestHooks } from '../apps/hooks/src/testing.ts';
import { connectClient, startTestKeys, startTestNode } from '../apps/signaling/src/testing.ts';
import { startNode } from './cluster-faults/cluster.ts';
import { askHooks, backendToken } from './support/hooks-api.ts';

const WAIT = { timeout: 60_000, interval: 100 };
const EVENTS = { EVENTS: true, GRACE_MS: 1000, SWEEP_MS: 300 };
/** OUTBOX_LENGTH of room.lua, and what a stream may be longer by. */
const FULL = 20_100;
/** Its default `timeoutMs`. */
const SDK_GIVES_UP_MS = 10_000;

async function startParts() {
  const parts = new AsyncDisposableStack();
  onTestFinished(() => parts.disposeAsync());
  const redis = parts.use(await startRedis());
  const keys = parts.use(await startTestKeys());
  const receiver = parts.use(await startReceiver());
  const client = new Redis(redis.url);
  parts.defer(() => client.disconnect());
  const startHooks = () => startTestHooks({ redisUrl: redis.url, jwksUrl: keys.jwksUrl });
  const startNodeHere = async () =>
    parts.use(await startTestNode({ keys, config: { ...EVENTS, REDIS_URL: redis.url } }));
  const token = await backendToken(keys);
  const addEndpoint = async (hooksUrl: string, types: string[] = []): Promise<string> => {
    const made = await askHooks(hooksUrl, '/webhook-endpoints', { token, body: { url: receiver.url, types } });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    return made.body.endpoint.id;
  };
  return { parts, redis, keys, receiver, client, startHooks, startNodeHere, token, addEndpoint };
}

const told = ({ received }: Receiver) =>
  received.map(({ event }) => [event.type, event.data.peerId, event.data.reason].filter(Boolean).join(' '));

test('a test of an endpoint whose receiver is slow answers `timeout` before the server SDK gives up', async () => {
  const { parts, receiver, startHooks, token, addEndpoint } = await startParts();
  const hooks = parts.use(await startHooks());
  const id = await addEndpoint(hooks.url);
  receiver.answer = () => {};
  // Both clocks begin in this process, and the SDK's first.
  const given = new Promise((resolve) => void setTimeout(resolve, SDK_GIVES_UP_MS, 'the SDK gave up').unref());
  const answer = askHooks(hooks.url, `/webhook-endpoints/${id}/test`, { token, method: 'POST' });
  expect(await Promise.race([answer, given])).toEqual({ status: 200, body: { delivered: false, reason: 'timeout' } });
});

test('a replay names the time that is none, or that is before all events', async () => {
  const { parts, startHooks, token, addEndpoint } = await startParts();
  const hooks = parts.use(await startHooks());
  const path = `/webhook-endpoints/${await addEndpoint(hooks.url)}/replay`;
  const after = '2026-01-01T00:00:00Z';
  for (const time of ['2016-12-31T23:59:60Z', '1969-01-01T00:00:00Z', '2026-02-31T00:00:00Z', '2026-01-01 00:00:00Z'])
    for (const [field, body] of [
      ['/after', { after: time }],
      ['/before', { after, before: time }],
    ] as const)
      expect(await askHooks(hooks.url, path, { token, body })).toMatchObject({ status: 400, body: { field } });
  for (const before of ['2026-01-01T00:00:00.123456789Z', '2026-01-01t01:00:00+01:00'])
    expect((await askHooks(hooks.url, path, { token, body: { after, before } })).status).toBe(202);
});

test('E-8 all dispatchers were away until an outbox was full: one events.dropped with how many, and joins go on', async () => {
  const { startHooks, startNodeHere, receiver, client, keys, addEndpoint } = await startParts();
  const node = await startNodeHere();
  using ada = await connectClient(node, await keys.token('ada'));
  {
    await using hooks = await startHooks();
    await addEndpoint(hooks.url, ['peer.joined']);
    await ada.join('full');
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), WAIT);
  }
  const outbox = outboxKey('tandem', partitionOf('full'));
  const already = await client.xlen(outbox);
  // As room.lua writes them, of another room of the partition: nobody else is told of it.
  const other = Array.from({ length: 5000 }, (_, i) => `other-${i}`).find(
    (one) => partitionOf(one) === partitionOf('full'),
  );
  for (let i = 0; i < FULL; i += 1000) {
    const pipeline = client.pipeline();
    for (let n = i; n < i + 1000; n++)
      pipeline.xadd(outbox, 'MAXLEN', '~', 20_000, '*', 'e', `${n} 1 1 ${other}\n1 back nobody `);
    await pipeline.exec();
  }
  using bob = await connectClient(node, await keys.token('bob'));
  await bob.join('full');
  const { length: kept } = await client.xrange(outbox, '-', '+');
  const info = (await client.xinfo('STREAM', outbox)) as (string | number)[];
  const lost = Number(info[info.indexOf('entries-added') + 1]) - kept - already;
  expect(lost, 'some fell out').toBeGreaterThan(0);
  await using _hooks = await startHooks();
  await vi.waitFor(() => expect(told(receiver)).toContain(`peer.joined ${bob.welcome.peerId}`), WAIT);
  const dropped = receiver.received.filter(({ event }) => event.type === 'events.dropped').map(({ event }) => event);
  expect(dropped.map(({ data }) => data.count)).toEqual([lost]);
  expect(Number.parseInt(dropped[0].data.from, 10)).toBeLessThan(Number.parseInt(dropped[0].data.to, 10));
});

test('E-5 E-9 after the tenth try a webhook is given up and listed, the next follows with a gap, and replay sends it again', async () => {
  const { parts, startHooks, startNodeHere, receiver, client, keys, token, addEndpoint } = await startParts();
  const node = await startNodeHere();
  const hooks = parts.use(await startHooks());
  const endpoint = await addEndpoint(hooks.url);
  receiver.answer = ({ event }, response) => void response.writeHead(event.type === 'peer.joined' ? 500 : 204).end();
  using ada = await connectClient(node, await keys.token('ada'));
  await ada.join('dead');
  const partition = partitionOf('dead');
  const joins = () => receiver.received.filter(({ event }) => event.type === 'peer.joined');
  await vi.waitFor(
    async () => expect(await client.hget(hooksKeys.tries(partition, endpoint), 'dead')).toBe('1 status_500'),
    WAIT,
  );
  // Eight more of them, which take three days, are written here.
  await client.hset(hooksKeys.tries(partition, endpoint), 'dead', '9 status_500');
  await client.zadd(hooksKeys.due(partition, endpoint), 1, 'dead');
  ada.send({ type: 'leave' });
  await vi.waitFor(() => expect(told(receiver).at(-1)).toBe('room.ended empty'), WAIT);
  expect(joins()).toHaveLength(2);
  const sequences = receiver.received.map(({ event }) => event.sequence as number);
  const joined = joins()[0]?.event;
  expect([...new Set(sequences)]).toEqual([...new Set(sequences)].sort((a, b) => a - b));
  const failed = await askHooks(hooks.url, `/webhook-endpoints/${endpoint}/deliveries?status=failed`, { token });
  expect(failed.body.deliveries).toEqual([
    { roomId: 'dead', eventId: joined.id, reason: 'status_500', at: expect.any(String) },
  ]);
  receiver.answer = (_webhook, response) => void response.writeHead(204).end();
  const body = { after: joined.timestamp, types: ['peer.joined'], roomId: 'dead' };
  const replayed = await askHooks(hooks.url, `/webhook-endpoints/${endpoint}/replay`, { token, body });
  expect(replayed).toEqual({ status: 202, body: { events: 1 } });
  await vi.waitFor(() => expect(joins()).toHaveLength(3), WAIT);
  expect(new Set(joins().map((one) => one.body)).size).toBe(1);
});

test('B-41 Redis is emptied in mid-call: nobody is told as left, all as joined again, and the end is told once', async () => {
  const { parts, startHooks, startNodeHere, receiver, client, keys, addEndpoint } = await startParts();
  const node = await startNodeHere();
  const hooks = parts.use(await startHooks());
  await addEndpoint(hooks.url);
  using ada = await connectClient(node, await keys.token('ada'));
  using bob = await connectClient(node, await keys.token('bob'));
  await ada.join('emptied');
  await bob.join('emptied');
  await vi.waitFor(() => expect(receiver.received).toHaveLength(3), WAIT);
  await client.flushall();
  // What the documentation asks for.
  await addEndpoint(hooks.url);
  await vi.waitFor(() => expect(receiver.received).toHaveLength(6), WAIT);
  const again = receiver.received.slice(3).map(({ event }) => event);
  const peerIds = [ada, bob].map(({ welcome }) => welcome.peerId).sort();
  expect(again.map(({ type }) => type)).toEqual(['room.started', 'peer.joined', 'peer.joined']);
  expect(
    again
      .slice(1)
      .map(({ data }) => data.peerId)
      .sort(),
  ).toEqual(peerIds);
  expect(again.slice(1).every(({ data }) => data.restored === true)).toBe(true);
  expect(again[0].roomSid).not.toBe(receiver.received[0]?.event.roomSid);
  for (const one of [ada, bob]) one.send({ type: 'leave' });
  await vi.waitFor(() => expect(told(receiver).at(-1)).toBe('room.ended empty'), WAIT);
  expect(
    told(receiver)
      .filter((one) => one.startsWith('peer.left'))
      .sort(),
  ).toEqual(peerIds.map((peerId) => `peer.left ${peerId} left`));
});

test('E-10 all nodes of a room are killed: its people are told as left, the room as ended, once', async () => {
  const { parts, redis, startHooks, receiver, client, keys, addEndpoint } = await startParts();
  const hooks = parts.use(await startHooks());
  await addEndpoint(hooks.url);
  const nodes = await Promise.all(['a', 'b'].map((name) => startNode(name, keys.jwksUrl, redis.url, EVENTS)));
  parts.defer(() => {
    for (const node of nodes) node.kill('SIGKILL');
  });
  const people = await Promise.all(
    nodes.map(async ({ port }, i) =>
      connectClient({ wsUrl: `ws://127.0.0.1:${port}/ws/signal` }, await keys.token(`user-${i}`)),
    ),
  );
  for (const one of people) await one.join('lost');
  await vi.waitFor(() => expect(receiver.received).toHaveLength(3), WAIT);
  for (const node of nodes) node.kill('SIGKILL');
  await Promise.all(nodes.map(({ ended }) => ended));
  // After a minute of silence.
  await vi.waitFor(() => expect(told(receiver).at(-1)).toBe('room.ended lost'), { ...WAIT, timeout: 180_000 });
  const left = people.map(({ welcome }) => `peer.left ${welcome.peerId} timeout`).sort();
  expect(told(receiver).slice(3, -1).sort()).toEqual(left);
  expect(await client.exists(hooksKeys.room('lost'))).toBe(0);
});
