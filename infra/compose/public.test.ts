/** What `npm run compose:public` starts, with an imitation of docker that says what it was asked. */
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Runs it where these are the only programs. @param scripts of sh, by name */
function started(folder: string, scripts: Readonly<Record<string, string>>) {
  for (const [name, script] of Object.entries(scripts))
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const file = join(folder, 'own.env');
  const main = join(import.meta.dirname, 'public.ts');
  const args = [main, 'calls.example.org', '--address', '203.0.113.7', '--env', file];
  return { file, ...spawnSync(process.execPath, args, { env: { PATH: folder }, encoding: 'utf8' }) };
}

test.each([
  ['docker with compose', 'docker', 'compose '],
  ['docker-compose 1', 'docker-compose', ''],
])('%s is started with the file that was written, and with BuildKit', (_name, program, first) => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'public-'));
  const said = join(folder.path, 'said');
  const script = `echo "$DOCKER_BUILDKIT $COMPOSE_DOCKER_CLI_BUILD $*" >> ${said}`;
  const { file, status, stderr } = started(folder.path, { [program]: script });
  expect([status, stderr]).toEqual([0, '']);
  expect(readFileSync(file, 'utf8')).toContain('TANDEM_DOMAIN=calls.example.org');
  const last = readFileSync(said, 'utf8').trim().split('\n').at(-1);
  expect(last).toBe(`1 1 ${first}--env-file ${file} up -d --build`);
});

test('a docker without BuildKit is named, with the fix, before anything is built', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'public-'));
  const { status, stderr } = started(folder.path, {
    docker: '[ "$1" = --version ] && echo "Docker version 28.2.2, build e6534b4"',
    'docker-compose': 'exit 0',
  });
  expect([status, stderr]).toEqual([2, expect.stringMatching(/^docker 28 lacks BuildKit .*buildx/)]);
});
