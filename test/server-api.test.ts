/** The commands of docs/server-api.md, as a reader runs them: through the edge, with curl. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { API_SCOPES } from '@tandem/protocol';
import { createLogger, loadConfig } from '@tandem/service';
import { expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey, startTestAuth } from '../apps/auth/src/testing.ts';
import { startTestNode } from '../apps/signaling/src/testing.ts';
import { EdgeConfig } from '../infra/local/edge/config.ts';
import { startEdge } from '../infra/local/edge/server.ts';

/** jq is not everywhere; this is all of it that the page uses. */
const JQ = `jq() { node -e 'process.stdin.on("data", (d) => { console.log(JSON.parse(d).access_token) })'; }`;

test('the commands of docs/server-api.md do what the page says', async () => {
  await using after = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tandem-server-api-'));
  after.defer(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  const key = newApiKey({ scopes: API_SCOPES, grants: { rooms: ['clinic-a.*'], kick: true } });
  const auth = after.use(await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(key.record) }));
  const node = after.use(await startTestNode({ keys: auth }));
  const settings = {
    HOST: '127.0.0.1',
    PORT: '0',
    CLIENT_DIR: folder,
    AUTH_TARGETS: auth.url,
    SIGNALING_TARGETS: `http://127.0.0.1:${node.port}`,
  };
  const edge = after.use(await startEdge(loadConfig(EdgeConfig, settings), createLogger('edge', 'silent')));
  const page = readFileSync(new URL('../docs/server-api.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands]) => commands as string);
  expect(blocks.length).toBeGreaterThan(5);
  const script = ['set -euo pipefail', JQ, ...blocks.map((block) => `${block}\necho; echo ----`)].join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    env: { PATH: process.env.PATH, TANDEM_URL: `http://127.0.0.1:${edge.port}`, TANDEM_API_KEY: key.key },
  });
  const answers = stdout.split('----').map((text) => text.trim());
  const room = { roomId: 'clinic-a.42', maxPeers: 2, numPeers: 0, tags: ['monday'] };
  expect(JSON.parse(answers[1] ?? '')).toMatchObject({ ...room, locked: false });
  expect(JSON.parse(answers[2] ?? '')).toMatchObject({ rooms: [room] });
  expect(JSON.parse(answers[3] ?? '')).toMatchObject({ ...room, locked: true, metadata: { visit: 42, doctor: 'Ng' } });
  expect(answers[4]).toContain('"user_id":"patient-1"');
  expect(answers[4]).toContain('{"peers":[]}');
  expect(answers[5]).toContain('{"recipients":0}');
});
