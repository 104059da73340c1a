/**
 * From a call to a webhook, with the real parts: signaling writes the outbox, hooks folds it and delivers. Held: signed, in order of each
 * room, at least once with one id, nothing lost when a dispatcher is killed between the answer and its note of it.
 */
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Received, type Receiver, startReceiver, startTestHooks } from '../apps/hooks/src/testing.ts';
import { startQueue } from '../apps/hooks/src/testing-queue.ts';
import type { SignalingService } from '../apps/signaling/src/app.ts';
import { connectClient, startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';
import { verifyWebhook, WebhookError } from '../packages/server/src/index.ts';
import { askHooks, backendToken } from './support/hooks-api.ts';
import { startHooksProcess } from './support/hooks-process.ts';

const WAIT = { timeout: 60_000, interval: 100 };

let redis: TestRedis;
let keys: TestKeys;
let node: SignalingService;
beforeAll(async () => {
  redis = await startRedis();
  keys = await startTestKeys();
  node = await startTestNode({ keys, config: { REDIS_URL: redis.url, EVENTS: true, GRACE_MS: 300, SWEEP_MS: 300 } });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const tokenOf = (scope?: string, rooms?: string[]) => backendToken(keys, scope, rooms);

/** Asks the API of the service. */
const ask = async (url: string, path: string, init: { method?: string; body?: object; token?: string } = {}) =>
  askHooks(url, path, { ...init, token: init.token ?? (await tokenOf()) });

async function visit(room: string, user: string): Promise<string> {
  using client = await connectClient(node, await keys.token(user));
  const { peerId } = await client.join(room);
  client.send({ type: 'leave' });
  await client.settle();
  return peerId as string;
}

const typesOf = (receiver: Receiver, room: string) =>
  receiver.received.filter(({ event }) => event.roomId === room).map(({ event }) => event.type as string);

/** As a receiver checks it, with the SDK for backends. */
function isSignedWith(secret: string, { headers, body, event }: Received): boolean {
  try {
    return verifyWebhook(body, headers, secret).id === event.id;
  } catch (error) {
    if (error instanceof WebhookError) return false;
    throw error;
  }
}

test('E-1 E-4 E-9 a visit is four webhooks, signed, in order, and the same events in the feed and the stream', async () => {
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: keys.jwksUrl });
  await using receiver = await startReceiver();
  const made = await ask(hooks.url, '/webhook-endpoints', { body: { url: receiver.url, rooms: ['visit-*'] } });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { secret } = made.body;
  await using sealed = await startReceiver();
  const asymmetric = { url: sealed.url, rooms: ['visit-*'], signature: 'v1a' };
  const { body: of } = await ask(hooks.url, '/webhook-endpoints', { body: asymmetric });
  expect([of.secret, made.body.endpoint.publicKeys]).toEqual([of.endpoint.publicKeys[0], []]);
  const peerId = await visit('visit-1', 'patient');
  await visit('other-1', 'patient');
  await vi.waitFor(() => expect(typesOf(receiver, 'visit-1')).toHaveLength(4), WAIT);
  expect(receiver.received.map(({ event }) => event)).toEqual([
    expect.objectContaining({ type: 'room.started', roomId: 'visit-1', data: {} }),
    expect.objectContaining({ type: 'peer.joined', data: { peerId, userId: 'patient', numPeers: 1 } }),
    expect.objectContaining({
      type: 'peer.left',
      data: expect.objectContaining({ peerId, reason: 'left', numPeers: 0 }),
    }),
    expect.objectContaining({ type: 'room.ended', data: expect.objectContaining({ reason: 'empty', peakPeers: 1 }) }),
  ]);
  for (const one of receiver.received) {
    expect(one.headers['webhook-id']).toBe(one.event.id);
    expect(isSignedWith(secret, one)).toBe(true);
    expect(isSignedWith(`whsec_${Buffer.alloc(32).toString('base64')}`, one)).toBe(false);
  }
  await vi.waitFor(() => expect(sealed.received).toHaveLength(4), WAIT);
  for (const one of sealed.received) {
    expect([isSignedWith(of.secret, one), isSignedWith(secret, one)]).toEqual([true, false]);
    expect(one.headers['webhook-signature']).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
  }
  const rotated = await ask(hooks.url, `/webhook-endpoints/${of.endpoint.id}/rotate-secret`, { method: 'POST' });
  expect((await ask(hooks.url, `/webhook-endpoints/${of.endpoint.id}/test`, { method: 'POST' })).body.delivered).toBe(
    true,
  );
  const last = sealed.received.at(-1) ?? expect.fail('nothing came');
  expect([of.secret, rotated.body.secret].map((key) => isSignedWith(key, last))).toEqual([true, true]);
  const sequences = receiver.received.map(({ event }) => event.sequence as number);
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  const feed = await vi.waitFor(async () => {
    const page = await ask(hooks.url, '/events?roomId=visit-1');
    expect(page.body.events).toHaveLength(4);
    return page.body;
  }, WAIT);
  expect(feed.events).toEqual(receiver.received.map(({ event }) => event));
  expect((await ask(hooks.url, `/events?roomId=visit-1&after=${feed.nextCursor}`)).body.events).toEqual([]);
  for (const wrong of ['after=NaN-1-1', 'after=0', 'after=2026-02-31T00:00:00Z', 'limit=0', 'limit=00'])
    expect([wrong, (await ask(hooks.url, `/events?${wrong}`)).status]).toEqual([wrong, 400]);
  // Another event than those of the room, and a key of other rooms sees none of them.
  const started = async () => {
    const { body } = await ask(hooks.url, '/events?types=room.started');
    return body.events.map((e: { roomId: string }) => e.roomId).sort();
  };
  await vi.waitFor(async () => expect(await started()).toEqual(['other-1', 'visit-1']), WAIT);
  const other = await ask(hooks.url, '/events', { token: await tokenOf('events:read', ['other-*']) });
  expect(new Set(other.body.events.map((e: { roomId: string }) => e.roomId))).toEqual(new Set(['other-1']));
  expect((await ask(hooks.url, '/events', { token: await tokenOf('rooms:read') })).status).toBe(403);
  expect((await ask(hooks.url, '/events', { token: await keys.token('ada') })).status).toBe(401);

  // The stream goes on behind the second event, and brings what comes.
  const ids = await streamed(hooks.url, 'visit-1', feed.events[1].id, 6);
  expect(ids.slice(0, 2)).toEqual(feed.events.slice(2).map((e: { id: string }) => e.id));
});

test('E-12 a change of metadata comes to who names it alone, one of settings to all', async () => {
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: keys.jwksUrl });
  await using receiver = await startReceiver();
  await using naming = await startReceiver();
  const types = ['peer.updated', 'room.updated'];
  await ask(hooks.url, '/webhook-endpoints', { body: { url: receiver.url, rooms: ['changed-1'] } });
  await ask(hooks.url, '/webhook-endpoints', { body: { url: naming.url, rooms: ['changed-1'], types } });
  const { peerId, etag } = await changed('changed-1');
  await vi.waitFor(() => expect(typesOf(naming, 'changed-1')).toHaveLength(2), WAIT);
  expect(naming.received.map(({ event: { type, data } }) => ({ type, data }))).toEqual([
    { type: 'peer.updated', data: { peerId, userId: 'patient', numPeers: 1 } },
    { type: 'room.updated', data: { etag } },
  ]);
  const wanted = ['room.started', 'peer.joined', 'room.updated', 'peer.left', 'room.ended'];
  await vi.waitFor(() => expect(typesOf(receiver, 'changed-1')).toEqual(wanted), WAIT);
  const told = async (query: string) => {
    const { body } = await ask(hooks.url, `/events?roomId=changed-1${query}`);
    return body.events.map((event: { type: string }) => event.type);
  };
  await vi.waitFor(async () => expect(await told('')).toEqual(wanted), WAIT);
  expect(await told('&types=peer.updated,room.updated')).toEqual(types);
});

/** A visit in which somebody says something of itself and a backend changes the room. */
async function changed(room: string) {
  using client = await connectClient(node, await keys.token('patient'));
  const { peerId } = await client.join(room);
  client.send({ type: 'update', metadata: { hand: true } });
  await client.settle();
  const response = await fetch(`${node.url}/v1/rooms/${room}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${await tokenOf('rooms:write')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ maxPeers: 7 }),
  });
  expect(response.status).toBe(200);
  client.send({ type: 'leave' });
  await client.settle();
  return { peerId, etag: response.headers.get('etag') };
}

/** Ids of `count` events of a stream: first all, then from behind `after` on, while somebody visits. */
async function streamed(url: string, room: string, after: string, count: number): Promise<string[]> {
  const read = async (most: number, lastId?: string) => {
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/events?roomId=${room}${lastId ? '' : '&after=2020-01-01T00:00:00Z'}`, {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${await tokenOf()}`,
        ...(lastId ? { 'last-event-id': lastId } : {}),
      },
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    const found = () =>
      [...text.matchAll(/id: (\S+)\nevent: \S+\ndata: (.*)\n\n/g)].map(([, id, data]) => ({ id, data }));
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (found().length >= most) break;
    }
    abort.abort();
    expect(text, 'who loses it before the first event knows where it began').toMatch(
      /^retry: 1000\nid: \d+-\d+-\d+\n\n/,
    );
    return found();
  };
  const first = await read(4);
  const last = first.find(({ data }) => data?.includes(after))?.id;
  const rest = read(count, last);
  await visit(room, 'again');
  return (await rest).map(({ data }) => JSON.parse(data ?? '').id as string);
}

test('E-11 a queue of the operator gets each room in its order, signed as a webhook is; another queue is refused', async () => {
  await using queue = await startQueue();
  for (const [name, value] of Object.entries(queue.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const config = { EVENT_QUEUES: queue.url };
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: keys.jwksUrl, config });
  const add = (url: string) => ask(hooks.url, '/webhook-endpoints', { body: { url, rooms: ['queue-*'] } });
  const other = await add('https://sqs.eu-central-1.amazonaws.com/123456789012/other.fifo');
  expect([other.status, other.body.field]).toEqual([400, '/url']);
  const { endpoint, secret } = (await add(queue.url)).body;
  const test = await ask(hooks.url, `/webhook-endpoints/${endpoint.id}/test`, { method: 'POST' });
  expect(test.body).toEqual({ delivered: true, status: 200 });
  const rooms = ['queue-1', 'queue-2', 'queue-診察'];
  await Promise.all(rooms.map((room) => visit(room, 'patient')));
  const got = (await queue.receive(13)).map((one) => ({ ...one, event: verifyWebhook(one.body, one.headers, secret) }));
  for (const room of rooms) {
    const of = got.filter(({ event }) => 'roomId' in event && event.roomId === room);
    expect(of.map(({ event }) => event.type)).toEqual(['room.started', 'peer.joined', 'peer.left', 'room.ended']);
    expect(new Set(of.map(({ group }) => group)).size).toBe(1);
    for (const { id, event } of of) expect(id).toBe(event.id);
  }
  await ask(hooks.url, `/webhook-endpoints/${endpoint.id}`, { method: 'DELETE' });
});

test('E-5 E-6 E-9 failures are repeated in order with one id; other rooms and endpoints go on; 410 and redirects end', async () => {
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: keys.jwksUrl });
  await using flaky = await startReceiver();
  await using redirecting = await startReceiver();
  await using gone = await startReceiver();
  await using fine = await startReceiver();
  const add = async (receiver: Receiver) => {
    const made = await ask(hooks.url, '/webhook-endpoints', {
      body: { url: receiver.url, rooms: ['f-*'], types: ['peer.joined', 'peer.left'] },
    });
    return made.body.endpoint.id as string;
  };
  const ids = await Promise.all([flaky, redirecting, gone, fine].map(add));
  let refused = 0;
  flaky.answer = ({ event }, response) => {
    // The first try of the first event of one room fails.
    if (event.roomId === 'f-1' && refused++ === 0) response.writeHead(503, { 'retry-after': '1' }).end();
    else response.writeHead(204).end();
  };
  redirecting.answer = (_webhook, response) => void response.writeHead(307, { location: fine.url }).end();
  gone.answer = (_webhook, response) => void response.writeHead(410).end();
  await visit('f-1', 'a');
  await visit('f-2', 'b');
  await vi.waitFor(() => expect(fine.received).toHaveLength(4), WAIT);
  await vi.waitFor(() => expect(typesOf(flaky, 'f-2')).toEqual(['peer.joined', 'peer.left']), WAIT);
  await vi.waitFor(() => expect(typesOf(flaky, 'f-1')).toEqual(['peer.joined', 'peer.joined', 'peer.left']), {
    ...WAIT,
    timeout: 90_000,
  });
  const [first, second] = flaky.received.filter(({ event }) => event.roomId === 'f-1');
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.body).toBe(first?.body);
  const state = async (id = '') => (await ask(hooks.url, `/webhook-endpoints/${id}`)).body.state;
  expect(await Promise.all(ids.map(state))).toEqual(['active', 'active', 'gone', 'active']);
  const waiting = await ask(hooks.url, `/webhook-endpoints/${ids[1]}/deliveries?status=waiting`);
  expect(waiting.body.deliveries).toContainEqual(expect.objectContaining({ roomId: 'f-1', reason: 'status_307' }));
  expect(redirecting.received.every(({ event }) => event.type === 'peer.joined')).toBe(true);

  // Replay and test, and both secrets of a rotation.
  const before = fine.received.length;
  const since = new Date(Date.now() - 600_000).toISOString();
  const replayed = await ask(hooks.url, `/webhook-endpoints/${ids[3]}/replay`, {
    body: { after: since, roomId: 'f-1' },
  });
  expect(replayed).toEqual({ status: 202, body: { events: 2 } });
  await vi.waitFor(() => expect(fine.received).toHaveLength(before + 2), WAIT);
  const { body } = await ask(hooks.url, `/webhook-endpoints/${ids[3]}/rotate-secret`, { method: 'POST' });
  const tested = await ask(hooks.url, `/webhook-endpoints/${ids[3]}/test`, { method: 'POST' });
  expect(tested.body).toEqual({ delivered: true, status: 204 });
  const last = fine.received.at(-1) as Received;
  expect(last.event.type).toBe('endpoint.test');
  expect(isSignedWith(body.secret, last)).toBe(true);
  expect(String(last.headers['webhook-signature']).split(' ')).toHaveLength(2);
  for (const id of ids)
    expect((await ask(hooks.url, `/webhook-endpoints/${id}`, { method: 'DELETE' })).status).toBe(204);
});

test('E-8 dispatchers are killed over and over: each event comes, in the order of its room, once by its id', async () => {
  await using receiver = await startReceiver();
  const options = { redisUrl: redis.url, jwksUrl: keys.jwksUrl };
  let hooks = await startHooksProcess(options);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => hooks.kill('SIGKILL'));
  const made = await ask(hooks.url, '/webhook-endpoints', { body: { url: receiver.url, rooms: ['k-*'] } });
  expect(made.status).toBe(201);
  const client = new Redis(redis.url);
  stack.defer(() => client.disconnect());
  const rooms = Array.from({ length: 4 }, (_, i) => `k-${i}`);
  // A killed dispatcher holds its leases on; for the test they end at once.
  let killed = 0;
  receiver.answer = (_webhook, response) => {
    // After the receiver has it, before the dispatcher knows.
    if (receiver.received.length % 9 === 5 && killed < 2) {
      killed++;
      hooks.kill('SIGKILL');
      response.destroy();
    } else response.writeHead(204).end();
  };
  const visits = Promise.all(
    rooms.map(async (room) => {
      for (let i = 0; i < 2; i++) await visit(room, `u-${i}`);
    }),
  );
  const expected = 4 * 2 * 4;
  const unique = () => new Set(receiver.received.map(({ event }) => event.id as string)).size;
  while (unique() < expected) {
    if (await hooks.hasEnded(300)) {
      const leases = await client.keys('tandem:?p:??}:lease');
      if (leases.length > 0) await client.del(...leases);
      await client.del('tandem:{hooks}:dispatchers');
      hooks = await startHooksProcess(options);
    }
  }
  await visits;
  expect(killed).toBe(2);
  expect(unique()).toBe(expected);
  for (const room of rooms) {
    const seen = new Set<string>();
    const first = receiver.received.filter(
      ({ event }) => event.roomId === room && !seen.has(event.id) && seen.add(event.id),
    );
    const of = first.map(({ event }) => event.sequence as number);
    expect(of, room).toEqual([...of].sort((a, b) => a - b));
    expect(first.map(({ event }) => event.type)).toEqual(
      Array.from({ length: 2 }, () => ['room.started', 'peer.joined', 'peer.left', 'room.ended']).flat(),
    );
  }
});
