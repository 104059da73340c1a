// What must be there before anything runs: packages as the lock says, Node new enough, the built client.
// Plain JavaScript for Node 20 with nothing installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
const bin = join(root, 'node_modules/.bin');

/** End with one line for people. */
export function fail(line) {
  console.error(`\n  ${line}`);
  process.exit(1);
}

const secondsSince = (start) => Math.round((performance.now() - start) / 1000);

/**
 * Whether every package of the lock is installed in its version. Optional packages are for other platforms too and do not count.
 * @param scope `runtime`: what `npm start` needs; `all`: what the tests and checks need as well
 */
export function packagesMatchLock(scope = 'all') {
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes('node_modules/') || entry.optional || entry.devOptional || entry.peer) return true;
    if (scope === 'runtime' && entry.dev) return true;
    return entry.link ? have[path]?.link === true : have[path]?.version === entry.version;
  });
}

/** Runs `npm ci` when packages are missing. @param scope as in {@link packagesMatchLock} */
export function installPackages(scope = 'all') {
  if (packagesMatchLock(scope)) return;
  console.log('  Installing packages (20 s to 2 min the first time)…');
  const since = performance.now();
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // What only tests and checks need is half of the packages.
  const omit = scope === 'runtime' ? ['--omit=dev', '--omit=peer'] : [];
  const done = spawnSync(npm, ['ci', ...omit, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) fail('npm ci failed (above). Check the network or the npm registry setting, then try again.');
  // Headers of Node for native modules, 67 MB: nothing here is compiled.
  for (const arch of ['x64', 'arm64'])
    rmSync(join(root, `node_modules/node-linux-${arch}/include`), { recursive: true, force: true });
  console.log(`  Packages installed in ${secondsSince(since)} s.`);
}

/** Path of a Node that runs TypeScript: the one that npm installed, else this one when new enough. */
export function modernNode() {
  const own = join(bin, 'node');
  if (existsSync(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  return fail(
    `Node ${process.versions.node} is too old here: install Node 22.18 or newer (https://nodejs.org), then try again.`,
  );
}

/** Environment in which `node`, `npm` and the tools of the workspace are found first. */
export function toolEnv() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, NEXT_TELEMETRY_DISABLED: '1' };
}

function newest(dir) {
  let time = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (['node_modules', 'out', '.next', 'dist'].includes(entry.name) || entry.name === 'next-env.d.ts') continue;
    const path = join(dir, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return time;
}

/** Build the PWA when there is no build or a source is newer. */
export function buildClient() {
  const page = join(root, 'apps/client/out/index.html');
  const sources = Math.max(...['apps/client', 'packages/rtc', 'packages/protocol'].map((d) => newest(join(root, d))));
  if (existsSync(page) && statSync(page).mtimeMs >= sources) return;
  console.log('  Building the page (10 to 60 s the first time)…');
  const since = performance.now();
  const done = spawnSync('npm', ['run', 'build', '-w', '@tandem/client'], {
    cwd: root,
    env: toolEnv(),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error(`${done.stdout}${done.stderr}`);
    fail('The page did not build (above).');
  }
  console.log(`  Page built in ${secondsSince(since)} s.`);
}

/** Run a program of the workspace; resolves with its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: toolEnv(), stdio: 'inherit', ...options });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  });
}
