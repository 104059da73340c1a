// `npm test [-- quick] [vitest arguments]`. Sets up what the tests need, runs them, ends with "N passed, N failed, N skipped".
// `quick`: types, lint, format and the units that need no server program: for every commit.
// Runs on Node 20 with nothing installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { obtainEngine } from './lib/media-engine.mjs';
import { obtainRelay } from './lib/relay-program.mjs';
import { buildClient, fail, installPackages, modernNode, root, run, toolEnv } from './lib/setup.mjs';

/** Programs that the tests really run, and the Debian package of each. */
const programs = [
  { package: 'redis-server', names: ['redis-server'] },
  { package: 'coturn', names: ['turnserver'] },
  { package: 'prometheus', names: ['prometheus'] },
  { package: 'caddy', names: ['caddy'] },
  { package: 'chromium', names: ['chromium', 'chromium-browser', 'google-chrome'] },
  { package: 'firefox-esr', names: ['firefox-esr', 'firefox'] },
  { package: 'iproute2', names: ['ip'] },
  { package: 'iptables', names: ['iptables'] },
  { package: 'ffmpeg', names: ['ffmpeg'] },
  { package: 'janus-tools', names: ['janus-pp-rec'] },
  { package: 'espeak-ng', names: ['espeak-ng'] },
  { package: 'pocketsphinx', names: ['pocketsphinx_continuous'] },
  { package: 'pulseaudio', names: ['pulseaudio'] },
  { package: 'pocketsphinx-en-us', names: ['/usr/share/pocketsphinx/model/en-us/en-us/mdef'] },
];

/** A client of WHIP and WHEP that is no program but a library with its plugins: test/support/webrtcbin.py finds what is missing. */
const webrtcbin = [
  ...['python3-gi', 'gir1.2-gst-plugins-bad-1.0'],
  ...['gstreamer1.0-nice', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad'],
];

/** @param name of a program, or path of a file */
function has(name) {
  if (name.startsWith('/')) return existsSync(name);
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}

/** By Debian's own interpreter, which alone has Debian's modules. */
function hasWebrtcbin() {
  const script = join(root, 'test/support/webrtcbin.py');
  return spawnSync('/usr/bin/python3', [script, 'check'], { stdio: 'ignore' }).status === 0;
}

/** That of the image; where it is not to be had, on the system's, which cannot refuse new calls while it drains. */
function findRelay() {
  try {
    obtainRelay({ say: (line) => console.log(`  ${line}`) });
  } catch (error) {
    console.log(
      `  No relay of Debian unstable: ${error.message}. The tests run on the system's coturn and skip what it cannot do.`,
    );
  }
}

/** Rooms of any size are tested on the engine that serves them; where it is not to be had, on the system's older one. */
function findEngine() {
  try {
    obtainEngine({ say: (line) => console.log(`  ${line}`) });
    return [];
  } catch (error) {
    console.log(
      `  No media engine: ${error.message}. The tests run on Debian's own janus and skip what it cannot hold.`,
    );
    return has('janus') ? [] : ['janus'];
  }
}

function installPrograms(more) {
  const missing = [
    ...programs.filter((p) => !p.names.some(has)).map((p) => p.package),
    ...(hasWebrtcbin() ? [] : webrtcbin),
    ...more,
  ];
  if (missing.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !has('apt-get')) fail(`The tests need ${missing.join(', ')}. As root: ${line}`);
  console.log(`  Installing ${missing.join(', ')}…`);
  const done = spawnSync('sh', ['-c', `apt-get update -qq && ${line} -qq`], {
    // Debian would start the servers as services of the machine; the tests start their own.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.status !== 0) fail(`Could not install them (above). By hand: ${line}`);
}

/** Runs a check of `quick` and counts it. */
async function check(name, command, args) {
  const since = performance.now();
  const ok = (await run(command, args)) === 0;
  console.log(`${ok ? '✓' : '✗'} ${name} (${Math.round((performance.now() - since) / 1000)} s)`);
  return ok;
}

/**
 * Runs vitest in a process group of its own. Processes that tests leave behind would hold our output open, and keep its
 * reader waiting: they are named, ended, and counted as a failure.
 */
async function runVitest(result, args) {
  const ownGroup = process.platform !== 'win32';
  const child = spawn(node, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: root,
    env: toolEnv(),
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: ownGroup,
  });
  const signal = (name) => {
    try {
      process.kill(ownGroup ? -child.pid : child.pid, name);
      return true;
    } catch {
      return false;
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(name, () => {
      signal(name);
      process.exitCode = 1;
    });
  let ended = false;
  let code = 1;
  const exit = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', (status) => {
      code = status ?? 1;
      resolve();
    });
  }).then(() => {
    ended = true;
  });
  // The report is written last: vitest has a minute to end after it.
  for (let since = 0; !ended && since < 60; since += existsSync(result) ? 1 : 0)
    await Promise.race([exit, sleep(1000)]);
  const groupLives = () => ownGroup && signal(0);
  for (let i = 0; ended && groupLives() && i < 50; i++) await sleep(100);
  if (ended && !groupLives()) return { code, left: 0 };
  const all = spawnSync('ps', ['-A', '-o', 'pgid=,pid=,args='], { encoding: 'utf8' }).stdout ?? '';
  const left = all.split('\n').filter((line) => line.trim().startsWith(`${child.pid} `));
  console.error(`  The tests left processes behind:\n${left.map((line) => line.slice(0, 200)).join('\n')}`);
  signal('SIGKILL');
  await exit;
  return { code, left: 1 };
}

const quick = process.argv[2] === 'quick';
const forVitest = quick ? ['--project=unit', ...process.argv.slice(3)] : process.argv.slice(2);
installPackages();
const node = modernNode();
const checks = [];
if (quick) {
  const biome = join(root, 'node_modules/.bin/biome');
  checks.push(await check('types', 'npm', ['run', '--silent', 'types']));
  checks.push(await check('lint and format', biome, ['check', '.']));
  checks.push(await check('arrows', node, [join(root, 'scripts/arrows.mjs')]));
} else {
  findRelay();
  installPrograms(findEngine());
  buildClient();
}

const resultDir = join(root, '.local');
const result = join(resultDir, 'vitest.json');
mkdirSync(resultDir, { recursive: true });
rmSync(result, { force: true });
const { code, left } = await runVitest(result, [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${result}`,
  ...forVitest,
]);
let counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, numFailedTestSuites: 0 };
try {
  counts = JSON.parse(readFileSync(result, 'utf8'));
} catch {
  console.error('  vitest left no result.');
}
// A file that does not even load has no tests that could fail: it counts as one.
const broken = (counts.testResults ?? []).filter(
  (f) => f.status === 'failed' && f.assertionResults.length === 0,
).length;
let failed = counts.numFailedTests + broken;
if (code !== 0 && failed === 0) failed = 1;
failed += checks.filter((ok) => !ok).length + left;
console.log(
  `${counts.numPassedTests + checks.filter(Boolean).length} passed, ${failed} failed, ${counts.numPendingTests + counts.numTodoTests} skipped`,
);
process.exitCode = failed > 0 ? 1 : 0;
