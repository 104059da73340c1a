/** What `npm run compose:public` starts, with an imitation of docker that says what it was asked. */
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test.each([
  ['docker with compose', 'docker', 'compose '],
  ['docker-compose 1', 'docker-compose', ''],
])('%s is started with the file that was written, and with BuildKit', (_name, program, first) => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'public-'));
  const [file, said] = [join(folder.path, 'own.env'), join(folder.path, 'said')];
  writeFileSync(
    join(folder.path, program),
    `#!/bin/sh\necho "$DOCKER_BUILDKIT $COMPOSE_DOCKER_CLI_BUILD $*" >> ${said}\n`,
    { mode: 0o755 },
  );
  const main = join(import.meta.dirname, 'public.ts');
  const args = [main, 'calls.example.org', '--address', '203.0.113.7', '--env', file];
  const { status, stderr } = spawnSync(process.execPath, args, { env: { PATH: folder.path }, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(readFileSync(file, 'utf8')).toContain('TANDEM_DOMAIN=calls.example.org');
  const started = readFileSync(said, 'utf8').trim().split('\n').at(-1);
  expect(started).toBe(`1 1 ${first}--env-file ${file} up -d --build`);
});
