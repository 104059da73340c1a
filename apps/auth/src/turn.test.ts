/** Against a real coturn: it takes what we sign, with the old and the new secret, and counts by our name of the user. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { connectRedis, writeTurnNode } from '@tandem/service';
import { freePort, startRedis } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAuth } from './testing.ts';
import { turnCredentials } from './turn.ts';

let coturn: ChildProcess;
let port: number;

beforeAll(async () => {
  port = await freePort();
  const folder = mkdtempSync('/tmp/tandem-turn-');
  const base = 50_000 + (port % 100) * 20;
  coturn = spawn('turnserver', [
    ...[
      '-n',
      '--listening-ip=127.0.0.1',
      '--relay-ip=127.0.0.1',
      `--listening-port=${port}`,
      `--min-port=${base}`,
      `--max-port=${base + 19}`,
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

/** One relayed packet to itself. True when coturn let it. */
function relays(username: string, credential: string): boolean {
  const args = [
    '-u',
    username,
    '-w',
    credential,
    '-p',
    String(port),
    '-e',
    '127.0.0.1',
    '-n',
    '1',
    '-m',
    '1',
    '-c',
    '-y',
    '127.0.0.1',
  ];
  const { stdout } = spawnSync('turnutils_uclient', args, { encoding: 'utf8', timeout: 20_000 });
  return /Total lost packets 0 /.test(stdout) && !/ERROR/.test(stdout);
}

test('coturn takes our credentials under both secrets while they rotate, and no forged or expired ones', async () => {
  const uris = {
    TURN_URIS: `turn:127.0.0.1:${port}?transport=udp,turn:127.0.0.1:${port}?transport=tcp,turns:127.0.0.1:1?transport=tcp,turn:x:1`,
  };
  for (const secret of ['new-secret', 'old-secret']) {
    await using auth = await startTestAuth({ ...uris, TURN_SECRETS: secret });
    const { body } = await auth.get('/auth/ice-servers', (await auth.login(`user of ${secret}`)).token);
    expect(body.iceServers).toHaveLength(1);
    expect(body.iceServers[0].urls).toHaveLength(3);
    expect(body.ttl).toBe(600);
    expect(relays(body.iceServers[0].username, body.iceServers[0].credential)).toBe(true);
  }
  const now = Math.floor(Date.now() / 1000);
  const forged = turnCredentials('ada', 'wrong', now + 600);
  expect(relays(forged.username, forged.credential)).toBe(false);
  const expired = turnCredentials('ada', 'new-secret', now - 10);
  expect(relays(expired.username, expired.credential)).toBe(false);
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
