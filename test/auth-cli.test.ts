/** `npm run auth -- …` with the Node that a newcomer has, which may be 20 and run no TypeScript. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
/** The machine's own, not the one that this repository installs. */
const folder = (process.env.PATH ?? '')
  .split(delimiter)
  .find((path) => !path.includes('node_modules') && existsSync(join(path, 'node')));
const node = folder ? join(folder, 'node') : process.execPath;

const auth = (...args: string[]) =>
  spawnSync(node, [join(root, 'scripts/auth.mjs'), ...args], { cwd: root, encoding: 'utf8' });

test('an API key and a key file are made, whatever Node calls it', () => {
  console.log(`auth command line: Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
  const made = auth('api-key', 'new', '--users', 'clinic-*', '--grants', '{"kick":true}');
  expect(made.stdout).toMatch(/^entry for API_KEYS: \S+/m);
  expect(made.status).toBe(0);

  const path = join(mkdtempSync(join(tmpdir(), 'auth-cli-')), 'keys.json');
  expect(auth('keys', 'init', path).status).toBe(0);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toBeTypeOf('object');
});

test('what it does not know is refused with how it is used', () => {
  const { status, stderr } = auth('nonsense');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^usage: npm run auth/m);
});
