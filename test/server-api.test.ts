/** The commands of docs/server-api.md, as a reader runs them: through the edge, with curl. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { API_SCOPES } from '@tandem/protocol';
import { createLogger, loadConfig } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, test, vi } from 'vitest';
import { formatApiKeyEntry, newApiKey, startTestAuth } from '../apps/auth/src/testing.ts';
import { startTestHooks } from '../apps/hooks/src/testing.ts';
import { connectClient, startTestNode } from '../apps/signaling/src/testing.ts';
import { EdgeConfig } from '../infra/local/edge/config.ts';
import { startEdge } from '../infra/local/edge/server.ts';

/** jq is not everywhere; this is all of it that the page uses. */
const JQ = `jq() { node -e 'process.stdin.on("data", (d) => { console.log(JSON.parse(d).access_token) })'; }`;

/** The edge with its services, and an API key for everything in the rooms `clinic-a.*`. */
async function startAll(after: AsyncDisposableStack, more: { redisUrl?: string } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-server-api-'));
  after.defer(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  const key = newApiKey({ scopes: API_SCOPES, grants: { rooms: ['clinic-a.*'], kick: true } });
  const auth = after.use(await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(key.record) }));
  const node = after.use(
    await startTestNode({ keys: auth, config: more.redisUrl ? { REDIS_URL: more.redisUrl, EVENTS: true } : {} }),
  );
  const hooks = more.redisUrl && after.use(await startTestHooks({ redisUrl: more.redisUrl, jwksUrl: auth.jwksUrl }));
  const settings = {
    HOST: '127.0.0.1',
    PORT: '0',
    CLIENT_DIR: folder,
    AUTH_TARGETS: auth.url,
    SIGNALING_TARGETS: `http://127.0.0.1:${node.port}`,
    ...(hooks ? { HOOKS_TARGETS: hooks.url } : {}),
  };
  const edge = after.use(await startEdge(loadConfig(EdgeConfig, settings), createLogger('edge', 'silent')));
  return {
    auth,
    node,
    env: { PATH: process.env.PATH, TANDEM_URL: `http://127.0.0.1:${edge.port}`, TANDEM_API_KEY: key.key },
  };
}

test('the commands of docs/server-api.md do what the page says', async () => {
  await using after = new AsyncDisposableStack();
  const { env } = await startAll(after);
  const page = readFileSync(new URL('../docs/server-api.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands]) => commands as string);
  expect(blocks.length).toBeGreaterThan(5);
  const script = ['set -euo pipefail', JQ, ...blocks.map((block) => `${block}\necho; echo ----`)].join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-c', script], { env });
  const answers = stdout.split('----').map((text) => text.trim());
  const room = { roomId: 'clinic-a.42', maxPeers: 2, numPeers: 0, tags: ['monday'] };
  expect(JSON.parse(answers[1] ?? '')).toMatchObject({ ...room, locked: false });
  expect(JSON.parse(answers[2] ?? '')).toMatchObject({ rooms: [room] });
  expect(JSON.parse(answers[3] ?? '')).toMatchObject({ ...room, locked: true, metadata: { visit: 42, doctor: 'Ng' } });
  expect(answers[4]).toContain('"user_id":"patient-1"');
  expect(answers[4]).toContain('{"peers":[]}');
  expect(answers[5]).toContain('{"recipients":0}');
});

test('the commands of docs/events.md do what the page says, through the edge', async () => {
  await using after = new AsyncDisposableStack();
  const redis = after.use(await startRedis());
  const { auth, node, env } = await startAll(after, { redisUrl: redis.url });
  const page = readFileSync(new URL('../docs/events.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands]) => commands as string);
  const [add = '', feed = ''] = blocks.filter((block) => block.includes('curl'));
  const [pages = '', stream = ''] = feed.split('\n');
  const token = /BACKEND_TOKEN=[\s\S]*?\)$/m.exec(
    readFileSync(new URL('../docs/server-api.md', import.meta.url), 'utf8'),
  )?.[0];
  const bash = async (commands: string) => {
    const script = ['set -euo pipefail', JQ, token, commands].join('\n');
    return (await promisify(execFile)('bash', ['-c', script], { env })).stdout;
  };
  expect(JSON.parse(await bash(add))).toMatchObject({
    endpoint: { url: 'https://backend.example.org/tandem', rooms: ['clinic-a.*'], state: 'active' },
    secret: expect.stringMatching(/^whsec_/),
  });
  const user = await auth.post(
    '/v1/tokens',
    { userId: 'patient-1', roomId: 'clinic-a.42', name: 'P' },
    { 'x-api-key': env.TANDEM_API_KEY },
  );
  using client = await connectClient(node, user.body.token);
  await client.join('clinic-a.42');
  await vi.waitFor(async () => expect(JSON.parse(await bash(pages)).events).toHaveLength(2), {
    timeout: 60_000,
    interval: 500,
  });
  // The stream has no end of its own: until the second event.
  expect(await bash(`(${stream}) | sed -n '/peer.joined/{p;q}' || true`)).toContain('event: peer.joined');
});

/** Room ids, and whether they are some: rule S-29. */
const ROOM_IDS: readonly (readonly [id: string, good: boolean])[] = [
  ...['a', 'Team', '0', 'a.b_c~d-e', '会議-1', 'ä', 'हिन्दी', 'غرفة', '𠮷野'].map((id) => [id, true] as const),
  ...[128, 129].map((length) => ['x'.repeat(length), length === 128] as const),
  // 3 bytes each: 126 and 129.
  ...[42, 43].map((length) => ['会'.repeat(length), length === 42] as const),
  ...['', ' ', 'a b', ' a', 'a/b', 'a?b', 'a#b', 'a%2fb', 'a*', '*', 'a{1}', '"', '🎉'].map(
    (id) => [id, false] as const,
  ),
  // What a path of a URL cannot name, and what it can.
  ...['.', '..'].map((id) => [id, false] as const),
  ...['...', '.a', 'a.', '.-', '._.'].map((id) => [id, true] as const),
  // Forms of others, and what nobody sees: composed, wide, folded, zero width, marks alone.
  ...['CAFÉ', 'cafe\u0301', '会議－１', 'ﬁn', 'a\u200b', 'a\u00ad', '\u0301a', '\u200d'].map(
    (id) => [id, false] as const,
  ),
  // Control characters, directions, half of a character, what ends lines.
  ...['a\u0000', 'a\nb', 'a\u007f', 'a\u0085', '\u202ea', 'a\u2066b\u2069', '\ud800', 'a\u2028', '\ufeffa'].map(
    (id) => [id, false] as const,
  ),
];

test('S-29 who mints, who creates a room and who lets people in take the same room ids', async () => {
  await using after = new AsyncDisposableStack();
  const key = newApiKey({ scopes: API_SCOPES, grants: { rooms: ['*'] } });
  const auth = after.use(await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(key.record) }));
  const node = after.use(await startTestNode({ keys: auth }));
  const bearer = { 'x-api-key': key.key };
  const { body: backend } = await auth.post('/auth/token', { grant_type: 'client_credentials' }, bearer);
  const answers: unknown[] = [];
  for (const [index, [roomId]] of ROOM_IDS.entries()) {
    const minted = await auth.post('/v1/tokens', { userId: `minted-${index}`, roomId }, bearer);
    const person = await auth.post('/auth/token', { userId: `person-${index}` }, bearer);
    const created = await fetch(`${node.url}/v1/rooms`, {
      method: 'POST',
      headers: { authorization: `Bearer ${backend.access_token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ roomId }),
    });
    using client = await connectClient(node, person.body.token);
    client.send({ type: 'join', roomId });
    await client.settle();
    const answer = client.heard.find(({ type }) => type === 'joined' || type === 'error');
    answers.push([
      ...[roomId, minted.status, minted.body.field, created.status, (await created.json()).field],
      ...[answer?.type, answer?.roomId ?? answer?.field],
    ]);
  }
  expect(answers).toEqual(
    ROOM_IDS.map(([roomId, good]) =>
      good
        ? [roomId, 201, undefined, 201, undefined, 'joined', roomId]
        : [roomId, 400, '/roomId', 400, '/roomId', 'error', '/roomId'],
    ),
  );
});
