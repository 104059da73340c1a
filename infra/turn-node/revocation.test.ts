/** What a revocation does at the relay: real coturn, real allocations, the stream of revocations in a real Redis. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, loadConfig, publishRevocation, REVOCATION_STREAM } from '@tandem/service';
import { allocate, freePort, startRedis, type TurnError } from '@tandem/service/testing';
import { expect, test } from 'vitest';
import { TURN_NODE_ACCESS } from '../src/cache-access.ts';
import { relay } from './relays.testing.ts';
import { TurnNodeConfig } from './src/config.ts';
import { AllocationCount, type Coturn } from './src/coturn.ts';
import { cancelSessions } from './src/coturn-cli.ts';
import { startTurnNode } from './src/node.ts';
import { cutRevokedRelays } from './src/revoked-relays.ts';

const SECRET = 'a-secret-of-tests';
const now = () => Math.floor(Date.now() / 1000);
const credentials = (user: string, expiry: number, session = 's') => {
  const username = `${user}:${expiry}:${session}`;
  return { username, credential: createHmac('sha1', SECRET).update(username).digest('base64') };
};
const soon = { timeout: 60_000, interval: 50 };

test('standing allocations of a revoked session or user end, and those with the old credentials; a new login’s and others’ go on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'turn-revocation-'));
  await using redis = await startRedis();
  const admin = connectRedis(redis.url);
  await admin.call('ACL', 'SETUSER', 'turn-node', ...TURN_NODE_ACCESS.split(' '), '>node-password');
  const port = await freePort();
  const events: string[] = [];
  const settings = {
    TURNSERVER: relay,
    TURN_PORT: port,
    RELAY_MIN_PORT: 51000,
    RELAY_MAX_PORT: 51999,
    RUN_DIR: folder,
    REDIS_URL: redis.url,
    REDIS_USERNAME: 'turn-node',
    REDIS_PASSWORD: 'node-password',
    PUBLIC_IP: '127.0.0.1',
    ALLOW_LOOPBACK_PEERS: true,
    USER_QUOTA: 3,
    TURN_SECRETS: SECRET,
  };
  const env = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]));
  const until = now() + 600;
  // Before the node was there: it catches up.
  await publishRevocation(admin, { kind: 'jti', id: 'j', exp: until, relay: { user: 'zoe', until } });
  await using node = await startTurnNode(loadConfig(TurnNodeConfig, env), {
    say: (event, more) => void events.push(`${event} ${JSON.stringify(more ?? {})}`),
    tickMs: 500,
  });
  const code = (user: string, expiry: number) =>
    allocate(port, credentials(user, expiry)).then(
      (a) => a[Symbol.dispose](),
      (error: TurnError) => error.code,
    );

  using phone = await allocate(port, credentials('ada', until - 5, 'phone'));
  using laptop = await allocate(port, credentials('ada', until, 'laptop'));
  using eve = await allocate(port, credentials('eve', until));
  expect(await Promise.all([phone, laptop, eve].map((a) => a.refresh()))).toEqual([0, 0, 0]);

  const session = { user: 'ada', session: 'phone', until };
  await publishRevocation(admin, { kind: 'session', id: 'id of phone', exp: until, relay: session });
  await expect.poll(() => node.coturn.allocations.size, soon).toBe(2);
  expect(await Promise.all([phone, laptop, eve].map((a) => a.refresh()))).toEqual([437, 0, 0]);
  await publishRevocation(admin, { kind: 'user', id: 'ada@example.org', exp: until, relay: { user: 'ada', until } });
  await expect.poll(() => node.coturn.allocations.size, soon).toBe(1);
  expect(await Promise.all([phone, laptop, eve].map((a) => a.refresh()))).toEqual([437, 437, 0]);
  const said = 'turn.revoked {"allocations":1}';
  expect(events.filter((e) => e.startsWith('turn.revoked'))).toEqual([said, said]);

  using zoe = await allocate(port, credentials('zoe', until - 5));
  await expect.poll(() => zoe.refresh(), soon).toBe(437);

  // coturn takes the old credentials until they expire: what they open is ended as well.
  using again = await allocate(port, credentials('ada', until));
  await expect.poll(() => again.refresh(), soon).toBe(437);
  // A later login has later credentials; they count in the same quota, whichever expiry they have.
  using fresh = await allocate(port, credentials('ada', until + 1));
  using second = await allocate(port, credentials('ada', until + 2));
  using third = await allocate(port, credentials('ada', until + 3));
  expect(await code('ada', until + 4)).toBe(486);
  expect(await Promise.all([fresh, second, third, eve].map((a) => a.refresh()))).toEqual([0, 0, 0, 0]);

  // coturn looks at the expiry when it makes an allocation, and never again.
  const expiry = now() + 2;
  using brief = await allocate(port, credentials('bob', expiry));
  await expect.poll(() => code('bob', expiry), { ...soon, interval: 500 }).toBe(401);
  expect(await brief.refresh()).toBe(0);

  // The interface that ended them: loopback only, a password of this start, told to nobody.
  const conf = await readFile(join(folder, 'turnserver.conf'), 'utf8');
  const [, password = ''] = /^cli-password=(.{32})$/m.exec(conf) ?? [];
  const cliPort = Number(/^cli-port=(\d+)$/m.exec(conf)?.[1]);
  expect((await stat(join(folder, 'turnserver.conf'))).mode & 0o777).toBe(0o600);
  expect(password).not.toBe('');
  expect(await readFile(`/proc/${node.coturn.pid}/cmdline`, 'utf8')).not.toContain(password);
  expect(events.join()).not.toContain(password);
  // Another address of this machine: refused, as nothing listens there.
  const [refused] = (await once(connect(cliPort, '127.0.0.2'), 'error')) as [NodeJS.ErrnoException];
  expect(refused.code).toBe('ECONNREFUSED');
  await expect(cancelSessions(cliPort, 'a guess', ['1'])).rejects.toThrow('refused the password');

  // Reading revocations is all that the node's user may do with them.
  const own = connectRedis(redis.url, { username: 'turn-node', password: 'node-password' });
  await expect(own.hset(REVOCATION_STREAM, 'a', '1')).rejects.toThrow(/NOPERM/);
  await expect(own.xadd(REVOCATION_STREAM, '*', 'r', '{}')).rejects.toThrow(/NOPERM/);
  own.disconnect();
  admin.disconnect();
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('a node that hears of many revocations together looks at its allocations once, not once for each', async () => {
  await using redis = await startRedis();
  const admin = connectRedis(redis.url);
  const until = now() + 600;
  for (let i = 0; i < 500; i++)
    await publishRevocation(admin, { kind: 'session', id: `s${i}`, exp: until, relay: { user: `u${i}`, until } });
  const allocations = new AllocationCount('m');
  allocations.line(`m: session 1: new, realm=<t>, username=<u7:${until}:s>, lifetime=600`);
  const cancelled: string[] = [];
  const coturn = { allocations, cancel: async (ids: readonly string[]) => void cancelled.push(...ids) };
  let cuts = 0;
  await using _cutter = cutRevokedRelays(
    coturn as unknown as Coturn,
    admin,
    () => {},
    async (_what, work) => {
      cuts += 1;
      await work();
    },
  );
  await expect.poll(() => cancelled, soon).toEqual(['1']);
  expect(cuts).toBeLessThan(10);
  admin.disconnect();
});
