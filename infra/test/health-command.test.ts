/** What containers run to ask themselves, as it is run: in the folder of their bundle, by Node, without a shell. */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sayAlive } from '../media-node/src/health.ts';
import { healthCommand, nodeHealthCommand } from '../topology/health-command.ts';
import { topology } from '../topology/index.ts';

/** Exit code of the command of a container. */
async function run(
  [kind, program, ...args]: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  expect([kind, program]).toEqual(['CMD', 'node']);
  const child = execFile(process.execPath, args, { env: {}, ...options });
  const [code] = await once(child, 'exit');
  return code;
}

test.each([
  [200, 0],
  [503, 1],
  [302, 1],
])('a service that answers %i', async (status, code) => {
  const server = createServer((request, answer) => {
    answer.writeHead(request.url === '/health/startup' ? status : 404).end('text');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  expect(await run(healthCommand((server.address() as AddressInfo).port, '/health/startup'))).toBe(code);
});

test('a service that does not listen', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  expect(await run(healthCommand(port, '/health/startup'))).toBe(1);
});

test('the program of a media node, as its image has it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'health-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/bundle.mjs'), 'media', folder], {
    stdio: 'pipe',
  });
  const program = join(folder, 'media', basename(topology.media.healthProgram));
  // The second is that of descriptions from before.
  const commands = [nodeHealthCommand(program), ['CMD', 'node', join(folder, 'media/main.mjs'), 'health']];
  const asked = () => Promise.all(commands.map((command) => run(command, { env: { RUN_DIR: folder } })));
  expect(await asked()).toEqual([1, 1]);
  await sayAlive(folder);
  expect(await asked()).toEqual([0, 0]);
});
