/** @tandem/server as somebody else gets it: packed, type-checked, run on each Node that it promises, against the real services. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClient } from '../apps/signaling/src/testing.ts';
import { BUDGET, measure } from '../packages/server/size.ts';
import { type Deployment, startDeployment } from './support/deployment.ts';
import { NODE_VERSIONS, nodeProgram } from './support/node-versions.ts';
import { examplesOf, installPacked, type PackedPackage, typeCheck } from './support/packed.ts';

const after = new AsyncDisposableStack();
let folder: string;
let packed: PackedPackage;
let deployment: Deployment;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-server-'));
  after.defer(() => rmSync(folder, { recursive: true }));
  packed = installPacked('server', folder);
  deployment = after.use(await startDeployment());
});
afterAll(() => after.disposeAsync());

test('the package has what it names and nothing else; it needs no other one', () => {
  expect(packed.manifest.dependencies).toBeUndefined();
  expect(packed.paths).toEqual(
    expect.arrayContaining(['index.js', 'cjs/index.js', 'cjs/package.json', 'types/index.d.ts', 'README.md']),
  );
  expect(packed.paths.filter((path) => path.includes('test'))).toEqual([]);
});

test('its types and the examples of its README hold, as a module and as CommonJS, without the DOM and without Node’s types', () => {
  const [first = '', stream = '', receiver = ''] = examplesOf(packed.readme);
  expect(first).toContain('new TandemServer(');
  for (const name of ['example.mts', 'example.cts']) {
    writeFileSync(join(folder, name), first);
    typeCheck(folder, name);
  }
  // What waits for events is a program of Node's.
  expect(stream).toContain('events.stream(');
  expect(receiver).toContain('verifyWebhook(');
  const typeRoots = [join(import.meta.dirname, '../node_modules/@types')];
  for (const [name, text] of Object.entries({ 'stream.mts': stream, 'receiver.mts': receiver })) {
    writeFileSync(join(folder, name), text);
    typeCheck(folder, name, { types: ['node'], typeRoots, lib: ['es2024', 'esnext.disposable'] });
  }
  // An AbortSignal of either kind is a signal; a wrong field is none.
  writeFileSync(
    join(folder, 'wrong.mts'),
    `import type { TandemServer } from '@tandem/server';
declare const tandem: TandemServer;
void tandem.rooms.get('a', { signal: new AbortController().signal });
// @ts-expect-error
void tandem.rooms.create({ room: 'a' });
// @ts-expect-error
void tandem.peers.remove('a', 'b', { ban: 'all' });
`,
  );
  typeCheck(folder, 'wrong.mts', { lib: ['es2022', 'dom'] });
});

/** What a stranger's program does; `import` or `require` is put before it. Prints what it got. */
const PROGRAM = `
(async () => {
  const [name, peerId] = process.argv.slice(2);
  const tandem = new TandemServer({ url: process.env.TANDEM_URL, apiKey: process.env.TANDEM_API_KEY });
  const roomId = 'clinic-a.' + name;
  const out = {};
  const codeOf = (call) => call.then(() => 'done', (error) => [error instanceof TandemError, error.status, error.code, error.field ?? null]);
  const created = await tandem.rooms.create({ roomId: roomId + '.new', maxPeers: 2, tags: [name] }, { idempotencyKey: name });
  out.again = (await tandem.rooms.create({ roomId: roomId + '.new', maxPeers: 2, tags: [name] }, { idempotencyKey: name })).roomId;
  out.taken = await codeOf(tandem.rooms.create({ roomId: roomId + '.new' }));
  out.unnamed = (await tandem.rooms.create({ tags: [name] })).roomId.startsWith('clinic-a.');
  const locked = await tandem.rooms.update(created.roomId, { locked: true }, { ifMatch: created.etag });
  out.locked = [locked.locked, locked.etag !== created.etag];
  out.stale = await codeOf(tandem.rooms.update(created.roomId, { locked: false }, { ifMatch: created.etag }));
  out.listed = 0;
  for await (const room of tandem.rooms.list({ tag: name, pageSize: 1 })) out.listed += 1;
  out.wrong = await codeOf(tandem.rooms.create({ maxPeers: 0 }));
  out.elsewhere = await codeOf(tandem.rooms.get('clinic-b.1'));
  const token = await tandem.tokens.create({ userId: 'ada', roomId, role: 'member', ttlSeconds: 3600 });
  out.token = [token.userId, token.token.split('.').length, Date.parse(token.expiresAt) > Date.now()];
  const peers = await tandem.peers.list(roomId);
  out.peers = peers.map((peer) => [peer.peerId === peerId, peer.userId, peer.away]);
  const { userId, etag } = await tandem.peers.get(roomId, peerId);
  await tandem.peers.update(roomId, peerId, { metadata: { role: 'guide' }, ifMatch: etag });
  const described = await tandem.peers.get(roomId, peerId);
  out.peer = [userId, described.metadata, described.etag === etag];
  out.told = await tandem.messages.send(roomId, { topic: 'note', data: { from: name } });
  await tandem.peers.remove(roomId, peerId, { ban: 'user', reason: 'rude' });
  await tandem.rooms.close(created.roomId);
  out.gone = await codeOf(tandem.rooms.get(created.roomId));
  const signed = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' };
  out.webhook = verifyWebhook('{"test": 2432232314}', signed, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', { now: 1614265330000 });
  console.log(JSON.stringify(out));
})();
`;
const NAMES = '{ TandemError, TandemServer, verifyWebhook }';

test.for(NODE_VERSIONS)('a stranger’s program on Node %i, as a module and as CommonJS', async (major, { skip }) => {
  const { auth, node, url, apiKey } = deployment;
  const program = await nodeProgram(major).catch((error: Error) => skip(error.message));
  writeFileSync(join(folder, 'stranger.mjs'), `import ${NAMES} from '@tandem/server';${PROGRAM}`);
  writeFileSync(join(folder, 'stranger.cjs'), `const ${NAMES} = require('@tandem/server');${PROGRAM}`);
  const version = await promisify(execFile)(program, ['--version']);
  expect(version.stdout).toMatch(`v${major}.`);
  for (const file of ['stranger.mjs', 'stranger.cjs']) {
    const name = `n${major}${file.slice(-3)}`;
    const { body } = await auth.post(
      '/v1/tokens',
      { userId: 'ada', roomId: `clinic-a.${name}` },
      { 'x-api-key': apiKey },
    );
    using ada = await connectClient(node, body.token);
    await ada.join(`clinic-a.${name}`);
    const args = [join(folder, file), name, ada.welcome.peerId ?? ''];
    const { stdout } = await promisify(execFile)(program, args, {
      cwd: folder,
      env: { TANDEM_URL: url, TANDEM_API_KEY: apiKey },
    });
    expect(JSON.parse(stdout)).toEqual({
      again: `clinic-a.${name}.new`,
      taken: [true, 409, 'room_exists', '/roomId'],
      unnamed: true,
      locked: [true, true],
      stale: [true, 412, 'etag_mismatch', 'if-match'],
      listed: 2,
      wrong: [true, 400, 'invalid_field', '/maxPeers'],
      elsewhere: [true, 403, 'room_refused', '/roomId'],
      token: ['ada', 3, true],
      peers: [[true, 'ada', false]],
      peer: ['ada', { role: 'guide', fromBackend: ['role'] }, false],
      told: { recipients: 1 },
      gone: [true, 404, 'room_unknown', '/roomId'],
      webhook: { test: 2432232314 },
    });
    expect(await ada.next('server_message')).toMatchObject({ topic: 'note', data: { from: name } });
    expect(await ada.next('kicked')).toMatchObject({ reason: 'rude' });
    expect(await ada.whenClosed()).toBe(4003);
  }
});

test('size: the whole SDK within its budget', async () => {
  const { gzip } = await measure();
  console.log(`@tandem/server: ${gzip} B gzip of ${BUDGET}`);
  expect(gzip).toBeLessThanOrEqual(BUDGET);
});
