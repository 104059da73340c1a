/** The command line as somebody else gets it: packed, run on each Node that it promises, against the real services. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, removeMediaNode, writeMediaNode } from '@tandem/service';
import { openRecordingStore, prefixOf } from '@tandem/service/recordings';
import { freePort } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../apps/hooks/src/testing.ts';
import { connectClient } from '../apps/signaling/src/testing.ts';
import { verifyWebhook } from '../packages/server/src/index.ts';
import { type Coturn, startCoturn } from './support/coturn.ts';
import { type Deployment, startDeployment } from './support/deployment.ts';
import { NODE_VERSIONS, nodeProgram } from './support/node-versions.ts';
import { installPacked, type PackedPackage } from './support/packed.ts';

const after = new AsyncDisposableStack();
let folder: string;
let packed: PackedPackage;
let coturn: Coturn;
let deployment: Deployment;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-cli-'));
  after.defer(() => rmSync(folder, { recursive: true }));
  packed = installPacked('cli', folder);
  coturn = after.use(await startCoturn('secret-of-this-test'));
  const uris = [
    `turn:127.0.0.1:${coturn.port}?transport=udp`,
    `turn:127.0.0.1:${coturn.port}?transport=tcp`,
    `turns:127.0.0.1:${coturn.tlsPort}?transport=tcp`,
  ];
  deployment = after.use(
    await startDeployment({ auth: { TURN_SECRETS: 'secret-of-this-test', TURN_URIS: uris.join(',') } }),
  );
});
afterAll(() => after.disposeAsync());

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly program?: string;
  /** A file, in place of what is returned as `out`. */
  readonly stdout?: number;
  /** Called with all of the output so far. */
  readonly onOutput?: (out: string, child: ChildProcess) => void;
}
/** Runs the packed program. */
function tandem(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { program = process.execPath, onOutput, stdout = 'pipe' } = options;
  const env = {
    ...{ HOME: folder, NODE_EXTRA_CA_CERTS: coturn.certificate },
    ...{ TANDEM_URL: deployment.url, TANDEM_API_KEY: deployment.apiKey },
    ...options.env,
  };
  const child = spawn(program, [join(folder, 'node_modules/@tandem/cli/tandem.cjs'), ...args], {
    env,
    stdio: ['pipe', stdout, 'pipe'],
  });
  after.defer(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    out += text;
    onOutput?.(out, child);
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  child.stdin?.end();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}
const jsonOf = async (args: readonly string[]) => {
  const ran = await tandem([...args, '--json']);
  expect(ran).toMatchObject({ code: 0, err: '' });
  return JSON.parse(ran.out);
};

test('the package is one program without dependencies', () => {
  expect(packed.manifest).toMatchObject({ name: '@tandem/cli', bin: { tandem: './tandem.cjs' } });
  expect(packed.manifest.dependencies).toBeUndefined();
  expect([...packed.paths].sort()).toEqual(['LICENSE', 'README.md', 'package.json', 'tandem.cjs']);
  expect(statSync(join(folder, 'node_modules/@tandem/cli/tandem.cjs')).mode & 0o111).toBe(0o111);
});

test('rooms, peers and tokens', async () => {
  const room = 'clinic-a.cli';
  const settings = ['--max-peers', '3', '--metadata', '{"visit":1}', '--tag', 'one', '--tag', 'two'];
  expect(await jsonOf(['rooms', 'create', room, ...settings])).toMatchObject({
    ...{ roomId: room, maxPeers: 3, metadata: { visit: 1 }, tags: ['one', 'two'] },
  });
  expect(await tandem(['rooms', 'create', room])).toMatchObject({
    ...{ code: 1, out: '', err: 'tandem: POST /v1/rooms: 409 room_exists: That room was created already: PATCH it.\n' },
  });
  const { out: token } = await tandem(['tokens', 'create', '--user', 'ada', '--room', room, '--name', 'Ada']);
  using ada = await connectClient(deployment.node, token.trim());
  await ada.join(room);
  expect(await jsonOf(['rooms', 'list', '--prefix', 'clinic-a.c'])).toMatchObject([{ roomId: room, numPeers: 1 }]);
  expect((await tandem(['rooms', 'list', '--tag', 'two'])).out).toMatch(
    /^roomId +numPeers.*\nclinic-a\.cli +1 +3 +false/,
  );
  const peerId = ada.welcome.peerId ?? '';
  expect(await jsonOf(['peers', 'list', room])).toMatchObject([{ peerId, userId: 'ada', name: 'Ada' }]);
  const { promise: isWatching, resolve: watching } = Promise.withResolvers<void>();
  const watched = tandem(['rooms', 'watch', room, '--interval', '0.2', '--json'], {
    onOutput(out, child) {
      if (out.includes('"joined"')) watching();
      if (out.includes('"left"')) child.kill('SIGINT');
    },
  });
  await isWatching;
  const says = (json: string) => tandem(['peers', 'describe', room, peerId, '--metadata', json]);
  expect((await says('[1]')).code).not.toBe(0);
  expect(await says('{"role":"guide"}')).toEqual({ code: 0, out: '', err: '' });
  expect(await ada.next('grants')).toMatchObject({ metadata: { role: 'guide' } });
  expect((await tandem(['peers', 'grants', room, peerId, '--kick', 'yes'])).code).not.toBe(0);
  expect(await tandem(['peers', 'grants', room, peerId, '--kick', 'on'])).toEqual({ code: 0, out: '', err: '' });
  expect(await ada.next('grants')).toMatchObject({ kick: true });
  expect(await tandem(['peers', 'mute', room, peerId, '--kind', 'video'])).toEqual({ code: 0, out: '', err: '' });
  expect(await ada.next('mute_requested')).toMatchObject({ kind: 'video' });
  expect(await tandem(['peers', 'kick', room, peerId, '--reason', 'rude'])).toEqual({ code: 0, out: '', err: '' });
  expect(await ada.next('kicked')).toMatchObject({ reason: 'rude' });
  const { code, out } = await watched;
  expect([
    code,
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).change),
  ]).toEqual([0, ['joined', 'left']]);
  expect(await tandem(['rooms', 'close', room])).toEqual({ code: 0, out: '', err: '' });
});

test('R-10 a recording: begun with its layout, and its event comes when its files are made', async () => {
  const room = 'clinic-a.film';
  const redis = connectRedis(deployment.redisUrl);
  after.defer(() => redis.disconnect());
  const { out: token } = await tandem(['tokens', 'create', '--user', 'ada', '--room', room]);
  using ada = await connectClient(deployment.node, token.trim());
  await ada.join(room);
  expect((await tandem(['recordings', 'start', room, '--layout', 'round'])).code).toBe(2);
  // As a node does: after some seconds without it the node is taken for dead.
  const beat = () => writeMediaNode(redis, 'm1', { zone: 'a', load: 0, state: 'serving' });
  await beat();
  const beating = setInterval(beat, 1000);
  const start = jsonOf(['recordings', 'start', room, '--layout', 'speaker']);
  const begun = await start.finally(() => clearInterval(beating));
  await removeMediaNode(redis, 'm1');
  expect(begun).toMatchObject({ status: 'starting', layout: 'speaker' });
  const { recordingId } = begun;
  const heard = jsonOf([
    'events',
    'tail',
    '--after',
    '2026-01-01T00:00:00Z',
    '--type',
    'recording.ready',
    '--limit',
    '1',
  ]);
  expect(await jsonOf(['recordings', 'stop', room, recordingId])).toMatchObject({ status: 'processing' });
  // As a composer does.
  const store = await openRecordingStore(deployment.recordings);
  const files = [{ name: 'composed.webm', bytes: 4, startMs: 0 }];
  const composed = { at: 1, durationMs: 2500, files };
  await store.put(`${prefixOf(room, recordingId)}composed.json`, JSON.stringify(composed));
  expect(await heard).toMatchObject({
    ...{ type: 'recording.ready', roomId: room, data: { recordingId, durationSeconds: 2.5 } },
  });
  const older = '0'.repeat(24);
  const about = JSON.stringify({ id: older, roomId: room, startedAt: 1, startedBy: 'ada' });
  await store.put(`${prefixOf(room, older)}recording.json`, about);
  const listed = async (...more: string[]) =>
    ((await jsonOf(['recordings', 'list', room, ...more])) as { recordingId: string; status: string }[]).map(
      (one) => `${one.recordingId} ${one.status}`,
    );
  expect(await listed()).toEqual([`${recordingId} ready`, `${older} failed`]);
  expect(await listed('--limit', '1')).toEqual([`${recordingId} ready`]);
  expect((await tandem(['recordings', 'list', room, '--limit', '0'])).code).toBe(2);
  await store.remove(prefixOf(room, older));
  expect(await jsonOf(['recordings', 'get', room, recordingId])).toMatchObject({ files: [{ name: 'composed.webm' }] });
  expect(await tandem(['recordings', 'delete', room, recordingId])).toEqual({ code: 0, out: '', err: '' });
  expect(await jsonOf(['recordings', 'list', room])).toEqual([]);
});

test('events tail prints what happens, and replay sends it to an endpoint again', async () => {
  const room = 'clinic-a.tail';
  const { promise: isOpen, resolve: open } = Promise.withResolvers<void>();
  const began = new Date(Date.now() - 1000).toISOString();
  const tail = tandem(['events', 'tail', '--room', room, '--after', began, '--limit', '4', '--json']);
  const listener = tandem(['webhooks', 'listen', '--room', room, '--limit', '6'], {
    onOutput: (out) => void (out.includes('listening: ') && open()),
  });
  await isOpen;
  const [endpoint] = await jsonOf(['webhooks', 'list']);
  expect(await jsonOf(['webhooks', 'test', endpoint.id])).toMatchObject({ delivered: true, status: 204 });
  using ada = await connectClient(
    deployment.node,
    (await tandem(['tokens', 'create', '--user', 'ada', '--room', room])).out.trim(),
  );
  await ada.join(room);
  ada.send({ type: 'leave' });
  const tailed = await tail;
  expect(tailed).toMatchObject({ code: 0, err: '' });
  const types = ['room.started', 'peer.joined', 'peer.left', 'room.ended'];
  const events = tailed.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ type }) => type)).toEqual(types);
  // The listener has six: the test, four events, and one of them again.
  const again = ['events', 'replay', endpoint.id, '--after', began, '--type', 'peer.left', '--room', room];
  expect(await jsonOf(again)).toEqual({ events: 1 });
  const listened = await listener;
  expect(listened).toMatchObject({ code: 0, err: '' });
  const seen = listened.out
    .trim()
    .split('\n')
    .map((line) => line.split(/ +/)[1]);
  expect(seen.slice(1)).toEqual(['endpoint.test', ...types, 'peer.left']);
  expect(await jsonOf(['webhooks', 'list']), 'the listener took its endpoint away').toEqual([]);
});

test('webhooks listen: what is not signed by the deployment is refused, the rest goes on to a backend as it came', async () => {
  await using backend = await startReceiver();
  backend.answer = (_webhook, response) => void response.writeHead(backend.received.length === 1 ? 503 : 204).end();
  const { promise: isOpen, resolve: open } = Promise.withResolvers<string>();
  const listener = tandem(['webhooks', 'listen', '--room', 'clinic-a.x', '--forward', backend.url, '--limit', '1'], {
    onOutput: (out) => void (/verifies with /.test(out) && open(/sends to (\S+)\n/.exec(out)?.[1] ?? '')),
  });
  const url = await isOpen;
  const now = String(Math.floor(Date.now() / 1000));
  const headers = {
    'webhook-id': 'x',
    'webhook-timestamp': now,
    'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
  };
  const forged = await fetch(url, { method: 'POST', headers, body: '{"id":"x","type":"room.ended","data":{}}' });
  expect(forged.status).toBe(400);
  const [endpoint] = await jsonOf(['webhooks', 'list']);
  // The backend's answer is that of the endpoint.
  const failing = await tandem(['webhooks', 'test', endpoint.id, '--json']);
  expect([failing.code, JSON.parse(failing.out)]).toEqual([1, { delivered: false, reason: 'status_503' }]);
  expect((await tandem(['webhooks', 'test', endpoint.id])).code).toBe(0);
  const { out } = await listener;
  expect(out).toMatch(/refused: no signature is that of a secret\n/);
  expect(out).toContain(`${backend.url}: 503\n`);
  // What it prints is the secret that the backend's own check takes.
  const secret = /your backend verifies with (whsec_\S+)\n/.exec(out)?.[1] ?? expect.fail(out);
  for (const { body, headers: sent } of backend.received)
    expect(verifyWebhook(body, sent, secret)).toMatchObject({ type: 'endpoint.test' });
  expect(backend.received.map(({ event }) => event.type)).toEqual(['endpoint.test', 'endpoint.test']);
  expect(backend.received[0]?.headers['webhook-signature']).toMatch(/^v1,/);
});

test('webhooks listen --json: a program reads the secret, what is refused and what its backend answers', async () => {
  await using backend = await startReceiver();
  backend.answer = (_webhook, response) => void response.writeHead(backend.received.length === 1 ? 503 : 204).end();
  const { promise: isOpen, resolve: open } = Promise.withResolvers<{
    listening: string;
    url: string;
    secret: string;
  }>();
  const options = ['--room', 'clinic-a.x', '--forward', backend.url, '--limit', '1', '--json'];
  const listener = tandem(['webhooks', 'listen', ...options], {
    onOutput: (out) => void (out.includes('\n') && open(JSON.parse(out.split('\n')[0] ?? ''))),
  });
  const { listening, url, secret } = await isOpen;
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(400);
  expect((await tandem(['webhooks', 'test', listening])).code).toBe(1);
  expect((await tandem(['webhooks', 'test', listening])).code).toBe(0);
  for (const { body, headers } of backend.received)
    expect(verifyWebhook(body, headers, secret)).toMatchObject({ type: 'endpoint.test' });
  const lines = (await listener).out.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { listening, url, secret },
    { refused: expect.any(String) },
    expect.objectContaining({ type: 'endpoint.test' }),
    { forward: backend.url, status: 503 },
    expect.objectContaining({ type: 'endpoint.test' }),
  ]);
});

test.each<[string, (child: ChildProcess) => unknown, number]>([
  ['whose reader went', (child) => child.stdout?.destroy(), 0],
  ['whose terminal was closed', (child) => child.kill('SIGHUP'), 0],
])('webhooks listen %s removes its endpoint', async (_what, leave, code) => {
  const listener = tandem(['webhooks', 'listen', '--room', 'clinic-a.x', '--json'], {
    onOutput: async (out, child) => {
      const { listening, type } = JSON.parse(out.trim().split('\n').at(-1) ?? '');
      if (!listening || type) return;
      leave(child);
      // A pipe without a reader is noticed at the next line.
      await tandem(['webhooks', 'test', listening]);
    },
  });
  expect((await listener).code).toBe(code);
  expect(await jsonOf(['webhooks', 'list'])).toEqual([]);
});

test('output that cannot be written is a failure', async () => {
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const { code, err } = await tandem(['webhooks', 'add', 'http://127.0.0.1:9/', '--room', 'clinic-a.*'], {
    stdout: full,
  });
  for (const { id } of await jsonOf(['webhooks', 'list'])) await tandem(['webhooks', 'remove', id]);
  expect([code, err]).toEqual([1, expect.stringContaining('the output is lost')]);
});

test('rooms watch that is interrupted while it asks says of nobody that they left', async () => {
  let asked = 0;
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
  const slow = createServer((request, response) => {
    if (asked++ > 1) return held();
    const peers = [{ peerId: 'p', roomId: 'r', userId: 'ada', away: false, metadata: {} }];
    const body = request.url?.includes('/peers')
      ? { peers }
      : { access_token: 't', token_type: 'Bearer', expires_in: 600 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void slow.close());
  const env = { TANDEM_URL: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` };
  let child: ChildProcess | undefined;
  const watching = tandem(['rooms', 'watch', 'r', '--interval', '0.2', '--json'], {
    env,
    onOutput: (_out, own) => {
      child = own;
    },
  });
  await isHeld;
  child?.kill('SIGINT');
  slow.closeAllConnections();
  const { code, out, err } = await watching;
  expect([
    code,
    err,
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).change),
  ]).toEqual([0, '', ['joined']]);
});

test('webhooks: added, rotated, listed and removed', async () => {
  const added = await jsonOf([
    'webhooks',
    'add',
    'http://127.0.0.1:9/',
    '--room',
    'clinic-a.*',
    '--type',
    'room.ended',
  ]);
  expect(added).toMatchObject({ state: 'active', rooms: ['clinic-a.*'], types: ['room.ended'] });
  expect(added.secret).toMatch(/^whsec_/);
  const sealed = await jsonOf(['webhooks', 'add', 'http://127.0.0.1:9/', '--signature', 'v1a']);
  expect([sealed.signature, sealed.secret]).toEqual(['v1a', sealed.publicKeys[0]]);
  expect((await tandem(['webhooks', 'add', 'http://127.0.0.1:9/', '--signature', 'v2'])).code).toBe(2);
  await tandem(['webhooks', 'remove', sealed.id]);
  expect((await jsonOf(['webhooks', 'rotate', added.id])).secret).not.toBe(added.secret);
  expect(await jsonOf(['webhooks', 'deliveries', added.id])).toEqual([]);
  expect((await tandem(['webhooks', 'list'])).out).not.toContain('whsec_');
  expect(await tandem(['webhooks', 'remove', added.id])).toEqual({ code: 0, out: '', err: '' });
  const gone = await tandem(['events', 'replay', added.id, '--after', '2026-01-01T00:00:00Z']);
  expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('404 not_found') });
});

test('doctor: each part of a healthy deployment, and what is missing of an ill one', async () => {
  const healthy = await tandem(['doctor', '--json']);
  const results: { check: string; result: string; detail: string }[] = JSON.parse(healthy.out);
  expect(results.filter(({ result }) => result !== 'ok')).toEqual([]);
  expect(results.map(({ check }) => check.replace(/:\d+(?=\?)/, ''))).toEqual([
    ...['keys', 'clock', 'api key', 'token', 'websocket', 'ice servers'],
    ...[
      'turn:127.0.0.1?transport=udp',
      'turn:127.0.0.1?transport=tcp',
      'turns:127.0.0.1?transport=tcp',
      'end of the room',
    ],
  ]);
  expect(healthy.code).toBe(0);
  // The same without trust in the TURN server's certificate.
  const untrusted = await tandem(['doctor', '--json'], { env: { NODE_EXTRA_CA_CERTS: '' } });
  expect(untrusted.code).toBe(1);
  expect(JSON.parse(untrusted.out).filter(({ result }: { result: string }) => result !== 'ok')).toEqual([
    { check: expect.stringMatching(/^turns:/), result: 'FAILED', detail: expect.stringMatching(/self-signed/) },
  ]);
  const env = { TANDEM_URL: `http://127.0.0.1:${await freePort()}` };
  const gone = await tandem(['doctor', '--timeout', '2'], { env });
  expect(gone.code).toBe(1);
  expect(gone.out).toMatch(/keys +FAILED .*ECONNREFUSED/);
});

test('load-test: percentiles and losses, exit code 1 over --max-p95 and for those who were refused', async () => {
  const small = [
    'load-test',
    '--rooms',
    '3',
    '--peers',
    '2',
    '--ramp',
    '0.5',
    '--duration',
    '2',
    '--prefix',
    'clinic-a.load-',
  ];
  const report = await jsonOf([...small, '--max-p95', '60000']);
  expect(report).toMatchObject({
    ...{ peers: 6, joined: 6, messages: { lost: 0 } },
    ...{ reconnects: 0, sessionsLost: 0, refusals: {}, failures: [] },
  });
  // In the first second some do not know the others yet.
  expect(report.messages.sent).toBeGreaterThanOrEqual(6);
  expect(report.messages.received).toBe(report.messages.sent);
  expect(report.setup.p50).toBeGreaterThan(0);
  expect(report.setup.p95).toBeGreaterThanOrEqual(report.setup.p50);
  expect(report.delay.p99).toBeGreaterThanOrEqual(report.delay.p50);
  const slow = await tandem([...small, '--duration', '0', '--max-p95', '0', '--json']);
  expect(slow.code).toBe(1);
  expect(JSON.parse(slow.out).failures).toEqual([expect.stringMatching(/p95 .* is over 0 ms/)]);
});

test('README: the commands run as they stand there', async () => {
  const commands = (/```sh\n([\s\S]*?)```/.exec(packed.readme)?.[1] ?? '').trim().split('\n');
  expect(commands.length).toBeGreaterThan(5);
  for (const line of commands) {
    const [name, ...args] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    expect(name).toBe('tandem');
    expect(await tandem(args), line).toMatchObject({ code: 0, err: '' });
  }
});

test.for(NODE_VERSIONS)('on Node %i', async (major, { skip }) => {
  const program = await nodeProgram(major).catch((error: Error) => skip(error.message));
  const args = ['load-test', '--rooms', '1', '--ramp', '0', '--duration', '1', '--prefix', 'clinic-a.', '--json'];
  const load = await tandem(args, { program });
  expect(load).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(load.out)).toMatchObject({ joined: 2, messages: { lost: 0 } });
});
