/** The TURN node with real coturn and real Redis, as the user that the cache gives it. */
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, loadConfig, parseTurnSecret, readTurnNodes, TURN_DIRECTORY_KEY } from '@tandem/service';
import { allocate, freePort, startRedis } from '@tandem/service/testing';
import { expect, test, vi } from 'vitest';
import type { Host } from '../node-kit/host.ts';
import { embeddedMetrics } from '../node-kit/metrics.ts';
import { TURN_NODE_ACCESS } from '../src/cache-access.ts';
import { DENIED_PEERS } from '../topology/denied-peers.ts';
import { drainingRelay, relay } from './relays.testing.ts';
import { TurnNodeConfig } from './src/config.ts';
import { AllocationCount, coturnArguments, drainsOnSignal } from './src/coturn.ts';
import { stunAnswers } from './src/health.ts';
import { relayProgram } from './src/location.ts';
import { startTurnNode } from './src/node.ts';
import type { SecretSource } from './src/secrets.ts';
import { turnMetrics } from './src/turn-metrics.ts';

/** coturn's own test client: relays `messages` between two allocations; `connected` when it has all that it asks for, its output when it ends. */
let users = 0;
function client(port: number, secret: string, messages: number, more: string[] = ['-y']) {
  const user = `${Math.floor(Date.now() / 1000) + 600}:user-${users++}`;
  const password = createHmac('sha1', secret).update(user).digest('base64');
  const { command, args } = relayProgram(relay, 'turnutils_uclient');
  const child = spawn(command, [
    ...args,
    ...['-u', user, '-w', password, '-p', String(port), '-n', String(messages), '-m', '1', '-z', '100', ...more],
    '127.0.0.1',
  ]);
  let output = '';
  const { promise: connected, resolve: connect } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
      if (output.includes('Total connect time')) connect();
    });
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(output)));
  return { child, connected, ended };
}

/** What a TCP health check of a network load balancer does: a connection is made, or not. */
function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).then((open) => {
    socket.destroy();
    return open as boolean;
  });
}

async function world(secrets: SecretSource, { password = 'node-password', leaving = false, readyPort = 0 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'turn-node-'));
  const redis = await startRedis();
  const admin = connectRedis(redis.url);
  await admin.call('ACL', 'SETUSER', 'turn-node', ...TURN_NODE_ACCESS.split(' '), '>node-password');
  const port = await freePort();
  const calls: string[] = [];
  const events: string[] = [];
  const state = { leaving };
  const metrics: Record<string, unknown>[] = [];
  const host: Host = {
    id: 'i-1',
    publicIp: '127.0.0.1',
    privateIp: '127.0.0.1',
    zone: 'zone-a',
    leaving: async () => state.leaving,
    lifecycle: async (what) => void calls.push(what),
  };
  const config = loadConfig(TurnNodeConfig, {
    TURNSERVER: relay,
    TURN_PORT: String(port),
    RELAY_MIN_PORT: '50000',
    RELAY_MAX_PORT: '50999',
    RUN_DIR: folder,
    REDIS_URL: redis.url,
    REDIS_USERNAME: 'turn-node',
    REDIS_PASSWORD: password,
    ALLOW_LOOPBACK_PEERS: 'true',
    DENIED_PEERS: DENIED_PEERS.join(','),
    TURN_HOST: 'turn.example.com',
    DRAIN_SECONDS: '120',
    METRICS_STACK: 'S',
    ...(readyPort ? { READY_PORT: String(readyPort) } : {}),
  });
  const node = await startTurnNode(config, {
    host,
    secrets,
    tickMs: 200,
    secretsMs: 200,
    bytesSent: async () => 0,
    metricsMs: 200,
    writeMetrics: (line) => metrics.push(JSON.parse(line)),
    say: (event, more) => events.push(`${event} ${JSON.stringify(more ?? {})}`),
  });
  return {
    admin,
    redis,
    folder,
    port,
    node,
    host,
    state,
    calls,
    events,
    metrics,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      admin.disconnect();
      await redis[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const soon = { timeout: 60_000, interval: 100 };

test('a node enters the directory, relays, rotates its secret without a restart, denies private peers, drains before it ends', async () => {
  let secrets = ['secret-one'];
  await using w = await world(async () => secrets);
  const [entry] = await readTurnNodes(w.admin);
  expect(entry).toMatchObject({
    publicIp: '127.0.0.1',
    zone: 'zone-a',
    state: 'serving',
    port: w.port,
    host: 'turn.example.com',
    tlsPort: 443,
  });
  await stunAnswers('127.0.0.1', w.port, 20_000);

  expect(await client(w.port, 'secret-one', 2).ended).toMatch(/Total lost packets 0/);
  const pid = w.node.coturn.pid;
  secrets = ['secret-two', 'secret-one'];
  await vi.waitFor(() => expect(w.events.join('\n')).toContain('turn.secrets {"count":2}'), soon);
  expect(await client(w.port, 'secret-two', 2).ended).toMatch(/Total lost packets 0/);
  secrets = ['secret-two'];
  await vi.waitFor(() => expect(w.events.filter((e) => e === 'turn.secrets {"count":1}')).toHaveLength(2), soon);
  expect(await client(w.port, 'secret-one', 2).ended).not.toMatch(/Total lost packets 0/);
  expect(w.node.coturn.pid).toBe(pid);
  expect(w.events.join('\n')).not.toContain('secret-');

  // The metadata service, through the relay: refused.
  const forbidden = client(w.port, 'secret-two', 1, ['-e', '169.254.169.254']);
  const stop = setTimeout(() => forbidden.child.kill('SIGKILL'), 15_000);
  expect(await forbidden.ended).toMatch(/403|Forbidden/i);
  clearTimeout(stop);

  // A call is on; the group wants the instance gone.
  const call = client(w.port, 'secret-two', 60);
  await call.connected;
  await vi.waitFor(() => expect(w.node.coturn.allocations.size).toBeGreaterThan(0), soon);
  w.state.leaving = true;
  await vi.waitFor(async () => expect(await readTurnNodes(w.admin)).toEqual([]), soon);
  expect(w.node.state).toBe('draining');
  expect(await call.ended).toMatch(/Total lost packets 0/);
  // The forbidden client was killed and its allocation lives on; only the deadline or its end may finish the drain.
  if (w.node.coturn.allocations.size > 0) await w.node[Symbol.asyncDispose]();
  expect(await w.node.ended).toBe('drained');
  expect(await w.admin.hgetall(TURN_DIRECTORY_KEY)).toEqual({});
  expect(w.calls[0]).toBe('wait');
  expect(w.calls.at(-1)).toBe('done');
});

test('the program of the container’s health check finds a node that answers, and one that does not', async () => {
  await using w = await world(async () => ['secret']);
  const ask = async () => {
    const child = execFile(process.execPath, [join(import.meta.dirname, 'health.ts')], { env: { RUN_DIR: w.folder } });
    return (await once(child, 'exit'))[0];
  };
  await vi.waitFor(async () => expect(await ask()).toBe(0), soon);
  process.kill(w.node.coturn.pid, 'SIGSTOP');
  expect(await ask()).toBe(1);
  process.kill(w.node.coturn.pid, 'SIGCONT');
  await vi.waitFor(async () => expect(await ask()).toBe(0), soon);
});

test('a node whose secret store does not answer stays in the directory, and leaves when the group wants it gone', async () => {
  const asked = Promise.withResolvers<void>();
  let reads = 0;
  await using w = await world(async (signal) => {
    if (reads++ === 0) return ['secret-one'];
    asked.resolve();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  await asked.promise;
  // Written anew after it.
  await w.admin.del(TURN_DIRECTORY_KEY);
  await vi.waitFor(async () => expect(await readTurnNodes(w.admin)).toHaveLength(1), soon);
  w.state.leaving = true;
  expect(await w.node.ended).toBe('drained');
  expect(reads).toBe(2);
});

test('a stranger who is refused again and again fills no log', async () => {
  await using w = await world(async () => ['secret-one']);
  for (let i = 0; i < 30; i++)
    await expect(allocate(w.port, { username: `stranger-${i}`, credential: 'none' })).rejects.toThrow();
  await vi.waitFor(() => expect(w.events.join('\n')).toMatch(/coturn\.error .* more lines of these 10 s/), soon);
  expect(w.events.filter((event) => event.startsWith('coturn.error')).length).toBeLessThan(15);
});

test('the load balancer’s health check passes while the node takes calls, and fails as soon as it drains, before its calls end', async () => {
  const readyPort = await freePort();
  await using w = await world(async () => ['secret-one'], { readyPort });
  expect(await takesConnections(readyPort)).toBe(true);
  const call = client(w.port, 'secret-one', 60);
  await call.connected;
  await vi.waitFor(() => expect(w.node.coturn.allocations.size).toBeGreaterThan(0), soon);
  void w.node.drain(120);
  await vi.waitFor(async () => expect(await takesConnections(readyPort)).toBe(false), soon);
  expect(w.node.state).toBe('draining');
  expect(w.node.coturn.allocations.size).toBeGreaterThan(0);
  expect(await call.ended).toMatch(/Total lost packets 0/);
});

test('a node whose coturn dies leaves the directory; its user reaches nothing but the directory', async () => {
  await using w = await world(async () => ['secret-one']);
  const own = connectRedis(w.redis.url, { username: 'turn-node', password: 'node-password' });
  await expect(own.get('tandem:session:1')).rejects.toThrow(/NOPERM/);
  await expect(own.hset('tandem:room', 'a', '1')).rejects.toThrow(/NOPERM/);
  await expect(own.call('CONFIG', 'GET', '*')).rejects.toThrow(/NOPERM/);
  own.disconnect();
  process.kill(w.node.coturn.pid, 'SIGKILL');
  expect(await w.node.ended).toBe('died');
  expect(await w.admin.hgetall(TURN_DIRECTORY_KEY)).toEqual({});
});

test('a node that the directory does not take is not serving: metric 0, not a word of serving, and 1 once it is listed', async () => {
  await using w = await world(async () => ['secret-one'], { password: 'not the password' });
  await vi.waitFor(() => expect(w.metrics.length).toBeGreaterThan(1), soon);
  expect(w.metrics.map((m) => m.turn_serving)).not.toContain(1);
  expect(w.node).toMatchObject({ state: 'serving', serving: false });
  // The container's health, by which instances are replaced, does not ask the directory.
  await stunAnswers('127.0.0.1', w.port, 20_000);
  expect(w.events.join('\n')).not.toContain('turn.serving');
  await w.admin.call('ACL', 'SETUSER', 'turn-node', '>not the password');
  await vi.waitFor(() => expect(w.metrics.at(-1)?.turn_serving).toBe(1), soon);
  expect(w.events.join('\n')).toContain('turn.serving');
});

test('a coturn that does not answer is not serving, and a drain does not wait for its calls; one that answers again serves again', async () => {
  await using w = await world(async () => ['secret-one']);
  const call = client(w.port, 'secret-one', 600);
  await call.connected;
  await vi.waitFor(() => expect(w.node.coturn.allocations.size).toBeGreaterThan(0), soon);
  process.kill(w.node.coturn.pid, 'SIGSTOP');
  await vi.waitFor(() => expect(w.node.serving).toBe(false), soon);
  await vi.waitFor(() => expect(w.metrics.at(-1)?.turn_serving).toBe(0), soon);
  expect(w.events.join('\n')).toContain('turn.not-listed {"id":"i-1","why":"coturn does not answer"}');
  const entry = await w.admin.hgetall(TURN_DIRECTORY_KEY);
  process.kill(w.node.coturn.pid, 'SIGCONT');
  await vi.waitFor(() => expect(w.metrics.at(-1)?.turn_serving).toBe(1), soon);
  await vi.waitFor(async () => expect(await w.admin.hgetall(TURN_DIRECTORY_KEY)).not.toEqual(entry), soon);
  process.kill(w.node.coturn.pid, 'SIGSTOP');
  await vi.waitFor(() => expect(w.node.serving).toBe(false), soon);
  expect(w.node.coturn.allocations.size).toBeGreaterThan(0);
  // DRAIN_SECONDS is two minutes, and this ends long before its calls do.
  void w.node.drain();
  expect(await w.node.ended).toBe('drained');
  call.child.kill('SIGKILL');
  await call.ended;
});

test('a coturn that ends during the drain ends it, and the group is told; one that drains does so after its last call', async () => {
  await using w = await world(async () => ['secret-one']);
  const call = client(w.port, 'secret-one', 600);
  await call.connected;
  await vi.waitFor(() => expect(w.node.coturn.allocations.size).toBeGreaterThan(0), soon);
  void w.node.drain();
  await vi.waitFor(() => expect(w.node.state).toBe('draining'), soon);
  // For an update, as its instance stays; once the group takes the instance, the node is none that will serve again.
  await vi.waitFor(() => expect(w.metrics.at(-1)).toMatchObject({ turn_serving: 0, turn_draining: 1 }), soon);
  w.state.leaving = true;
  await vi.waitFor(() => expect(w.metrics.at(-1)).toMatchObject({ turn_serving: 0, turn_draining: 0 }), soon);
  process.kill(w.node.coturn.pid, 'SIGKILL');
  expect(await w.node.ended).toBe('drained');
  expect(w.calls.at(-1)).toBe('done');
  expect(await w.admin.hgetall(TURN_DIRECTORY_KEY)).toEqual({});
  call.child.kill('SIGKILL');
  await call.ended;
});

test.skipIf(!drainingRelay)(
  'a node that drains refuses whoever has its address still, its call goes on, and it ends with that call',
  async () => {
    await using w = await world(async () => ['secret-one']);
    const person = (name: string) => {
      const username = `${name}:${Math.floor(Date.now() / 1000) + 600}:s`;
      return { username, credential: createHmac('sha1', 'secret-one').update(username).digest('base64') };
    };
    using call = await allocate(w.port, person('ada'));
    await vi.waitFor(() => expect(w.node.coturn.allocations.size).toBe(1), soon);
    void w.node.drain();
    await vi.waitFor(() => expect(w.node.state).toBe('draining'), soon);
    // Credentials of before the drain, to a relay that answers.
    await expect
      .poll(
        () =>
          allocate(w.port, person('eve')).then(
            () => 'taken',
            (error: { code?: number }) => error.code,
          ),
        soon,
      )
      .toBe(486);
    expect(await call.refresh()).toBe(0);
    expect(w.node.coturn.allocations.size).toBe(1);
    expect(w.events.join('\n')).not.toContain('turn.drain-by-directory');
    expect(await call.refresh(0)).toBe(0);
    expect(await w.node.ended).toBe('drained');
    expect(w.calls.at(-1)).toBe('done');
  },
);

test('a node started on an instance that is about to go never enters the directory', async () => {
  const readyPort = await freePort();
  await using w = await world(async () => ['secret-one'], { leaving: true, readyPort });
  expect(await takesConnections(readyPort)).toBe(false);
  expect(await w.node.ended).toBe('drained');
  expect(w.events.join('\n')).not.toContain('turn.serving');
  for (const name of ['turn_serving', 'turn_draining']) expect(w.metrics.map((m) => m[name])).not.toContain(1);
  expect(await w.admin.hgetall(TURN_DIRECTORY_KEY)).toEqual({});
  expect(w.calls.at(-1)).toBe('done');
});

test('the load balancer’s health check fails while coturn does not answer, and passes when it does again', async () => {
  const readyPort = await freePort();
  await using w = await world(async () => ['secret-one'], { readyPort });
  expect(await takesConnections(readyPort)).toBe(true);
  process.kill(w.node.coturn.pid, 'SIGSTOP');
  await vi.waitFor(async () => expect(await takesConnections(readyPort)).toBe(false), soon);
  process.kill(w.node.coturn.pid, 'SIGCONT');
  await vi.waitFor(async () => expect(await takesConnections(readyPort)).toBe(true), soon);
  // Without the cache nobody is sent here anew, and whoever has the address of the load balancer is served.
  w.admin.disconnect();
  w.redis.kill('SIGKILL');
  await vi.waitFor(() => expect(w.events.join()).toContain('"what":"directory"'), soon);
  expect(await takesConnections(readyPort)).toBe(true);
});

test('coturn is told its public address, every denied range, and that its own address is fine', () => {
  const config = loadConfig(TurnNodeConfig, { DENIED_PEERS: '10.0.0.0-10.255.255.255,fc00::-fdff::' });
  const args = coturnArguments(config, { publicIp: '192.0.2.1', privateIp: '10.0.0.1' });
  expect(args).toContain('--external-ip=192.0.2.1/10.0.0.1');
  expect(args).toContain('--denied-peer-ip=10.0.0.0-10.255.255.255');
  expect(args).toContain('--allowed-peer-ip=10.0.0.1');
  expect(args.join(' ')).not.toMatch(/secret=/);
});

test('SIGUSR1 goes only to a coturn that drains on it', () => {
  expect(['4.6.1', '4.6.2', '4.5.9'].map(drainsOnSignal)).toEqual([false, false, false]);
  expect(['4.6.3', '4.7.0', '4.13.1', '5.0.0'].map(drainsOnSignal)).toEqual([true, true, true, true]);
});

test('allocations are counted from the log; secrets and metrics have their shape', () => {
  const count = new AllocationCount('mark');
  count.line('mark: session 001000000000000001: new, realm=<tandem>, username=<1:a>, lifetime=600');
  count.line('mark: session 001000000000000001: refreshed, realm=<tandem>');
  count.line('8: : session 001000000000000001: delete: realm=<tandem>, username=<1:a>');
  expect(count.size).toBe(1);
  count.line('mark: session 001000000000000001: delete: realm=<tandem>, username=<1:a>');
  expect(count.size).toBe(0);
  // 4.18.0
  count.line('mark INFO allocation new, realm=<tandem>, username=<1:b>, lifetime=600 (session 001000000000000002)');
  count.line('mark INFO allocation refreshed, realm=<tandem>, username=<1:b>, lifetime=0 (session 001000000000000002)');
  expect(count.find((username) => username === '1:b')).toEqual(['001000000000000002']);
  count.line('mark INFO allocation delete: realm=<tandem>, username=<1:b> (session 001000000000000002)');
  expect(count.size).toBe(0);
  expect(parseTurnSecret('{"sign":"aaaaaaaa","accept":["bbbbbbbb","aaaaaaaa"]}').accepted).toEqual([
    'aaaaaaaa',
    'bbbbbbbb',
  ]);
  expect(() => parseTurnSecret('hunter2hunter2')).toThrow(/^TURN secret: not JSON with `sign` and `accept`$/);
  const metrics = JSON.parse(
    embeddedMetrics(
      { service: 'turn', stack: 'S', part: 'P' },
      turnMetrics({ allocations: 2, load: 0.1, mbps: 3, serving: 1, draining: 0 }),
    ),
  );
  expect(metrics).toMatchObject({ service: 'turn', stack: 'S', part: 'P', turn_allocations: 2, turn_serving: 1 });
});
