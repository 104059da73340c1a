/** Against a real coturn: it takes what we sign, with the old and the new secret, and counts by our name of the user. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { connectRedis, writeTurnNode } from '@tandem/service';
import { allocate, freePort, startRedis, type TurnError } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { startTestAuth } from './testing.ts';
import { turnCredentials } from './turn.ts';

let coturn: ChildProcess;
let port: number;

beforeAll(async () => {
  port = await freePort();
  const folder = mkdtempSync('/tmp/tandem-turn-');
  const base = 50_000 + (port % 100) * 40;
  coturn = spawn('turnserver', [
    ...[
      '-n',
      '--listening-ip=127.0.0.1',
      '--relay-ip=127.0.0.1',
      `--listening-port=${port}`,
      `--min-port=${base}`,
      `--max-port=${base + 39}`,
    ],
    ...[
      '--use-auth-secret',
      '--static-auth-secret=new-secret',
      '--static-auth-secret=old-secret',
      '--realm=t',
      '--user-quota=4',
    ],
    ...[
      '--no-cli',
      '--no-tls',
      '--no-dtls',
      '--allow-loopback-peers',
      '--log-file=stdout',
      '--simple-log',
      `--pidfile=${folder}/p`,
      `--userdb=${folder}/db`,
    ],
  ]);
  coturn.on('error', () => {
    throw new Error('turnserver is missing: apt-get install coturn');
  });
  const until = Date.now() + 30_000;
  while (spawnSync('turnutils_stunclient', ['-p', String(port), '127.0.0.1'], { timeout: 1000 }).status !== 0) {
    if (Date.now() > until) throw new Error('coturn did not come up within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}, 60_000);
afterAll(() => void coturn?.kill('SIGKILL'));

/**
 * 0 when coturn allocates, else its error code. 437: the system gave the port of an earlier client, whose allocation still stands
 * (RFC 8656 section 7.2), so another port asks.
 */
const outcome = (user: { username: string; credential: string }): Promise<number> =>
  allocate(port, user).then(
    (allocation) => {
      allocation[Symbol.dispose]();
      return 0;
    },
    (error: TurnError) => (error.code === 437 ? outcome(user) : error.code),
  );

const uris = {
  TURN_URIS: `turn:127.0.0.1:1?transport=udp,turn:127.0.0.1:1?transport=tcp,turns:127.0.0.1:1?transport=tcp,turn:x:1`,
};

test('coturn takes our credentials under both secrets while they rotate, and no forged or expired ones', async () => {
  for (const secret of ['new-secret', 'old-secret']) {
    await using auth = await startTestAuth({ ...uris, TURN_SECRETS: secret });
    const { body } = await auth.get('/auth/ice-servers', (await auth.login(`user of ${secret}`)).token);
    expect(body.iceServers).toHaveLength(1);
    expect(body.iceServers[0].urls).toHaveLength(3);
    expect(body.ttl).toBe(600);
    expect(await outcome(body.iceServers[0])).toBe(0);
  }
  const now = Math.floor(Date.now() / 1000);
  const [guests, ada] = [new Set(['open'] as const), { sub: 'ada', session_id: 's1' }];
  expect(await outcome(turnCredentials(guests, ada, 'wrong', now + 600))).toBe(401);
  expect(await outcome(turnCredentials(guests, ada, 'new-secret', now - 10))).toBe(401);
}, 120_000);

test('coturn counts one user’s allocations together, whenever the credentials were issued; a guest’s by session', async () => {
  const { key, record } = newApiKey();
  let clock = Date.now();
  const access = { ACCESS: 'open,api-key', API_KEYS: formatApiKeyEntry(record), GUEST_RELAY_GROUPS: 1000 };
  await using auth = await startTestAuth({ ...uris, ...access, TURN_SECRETS: 'new-secret' }, { now: () => clock });
  const credentials = async (token: string) => {
    clock += 1000;
    return (await auth.get('/auth/ice-servers', token)).body.iceServers[0];
  };
  const logins = [
    await auth.login('ada'),
    await auth.login('ada'),
    ...(await Promise.all([1, 2].map(() => auth.post('/auth/token', { userId: 'ada' }, { 'x-api-key': key })))).map(
      (answer) => answer.body,
    ),
  ];
  const [guest = '', sameName = '', phone = '', laptop = ''] = logins.map((login) => login.token);
  const names = new Set<string>();
  for (let i = 0; i < 4; i++) {
    const user = await credentials(i % 2 ? phone : laptop);
    names.add(user.username);
    expect(await outcome(user)).toBe(0);
  }
  expect(names.size).toBe(4);
  expect([await outcome(await credentials(phone)), await outcome(await credentials(laptop))]).toEqual([486, 486]);
  // Whoever calls himself ada takes nothing from her, nor from another guest of that name.
  for (let i = 0; i < 4; i++) expect(await outcome(await credentials(guest))).toBe(0);
  expect([await outcome(await credentials(guest)), await outcome(await credentials(sameName))]).toEqual([486, 0]);
}, 120_000);

test('all guests of one address share a number of quotas at coturn, however many they are; those elsewhere have their own', async () => {
  await using auth = await startTestAuth({
    ...uris,
    TURN_SECRETS: 'new-secret',
    GUEST_RELAY_GROUPS: 2,
    TRUSTED_PROXIES: 1,
  });
  const guest = async (userId: string, address: string) => {
    const from = { 'x-forwarded-for': address };
    const { token, session_id } = (await auth.post('/auth/token', { userId }, from)).body;
    expect(session_id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    return (await auth.get('/auth/ice-servers', token, from)).body.iceServers[0];
  };
  const outcomes: number[] = [];
  // Every one with an id of its own, at addresses of one /64. 4 allocations a quota, 2 quotas.
  for (let i = 0; i < 40; i++) outcomes.push(await outcome(await guest(`guest-${i}`, `2001:db8:0:7::${i + 1}`)));
  expect(outcomes.toSorted((a, b) => a - b)).toEqual([...Array(8).fill(0), ...Array(32).fill(486)]);
  expect(await outcome(await guest('guest-1', '2001:db8:0:8::1'))).toBe(0);
}, 120_000);

test('the directory in Redis comes first, the fixed URIs are the fallback', async () => {
  await using redis = await startRedis();
  const config = {
    REDIS_URL: redis.url,
    TURN_DIRECTORY: true,
    TURN_SECRETS: 's',
    TURN_URIS: 'turn:fallback.example:3478',
  };
  const client = connectRedis(redis.url);
  const urls = async () => {
    await using auth = await startTestAuth(config);
    return (await auth.get('/auth/ice-servers?zone=b', (await auth.login('ada')).token)).body.iceServers[0].urls;
  };
  expect(await urls()).toEqual(['turn:fallback.example:3478']);
  await writeTurnNode(client, 'n1', {
    publicIp: '192.0.2.1',
    zone: 'a',
    load: 0.1,
    state: 'serving',
    host: 't1.example',
  });
  await writeTurnNode(client, 'n2', {
    publicIp: '192.0.2.2',
    zone: 'b',
    load: 0.1,
    state: 'serving',
    host: 't2.example',
  });
  await writeTurnNode(client, 'n3', { publicIp: '192.0.2.3', zone: 'b', load: 0, state: 'draining' });
  expect(await urls()).toEqual([
    'turn:192.0.2.2:3478?transport=udp',
    'turn:192.0.2.1:3478?transport=udp',
    'turns:t2.example:5349?transport=tcp',
  ]);
  client.disconnect();
});
