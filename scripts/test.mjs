// `npm test [-- quick] [vitest arguments]`. Sets up what the tests need, runs them, ends with "N passed, N failed, N skipped".
// `quick`: types, lint, format and the units that need no server program, in under three minutes: for every commit.
// Runs on Node 20 with nothing installed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { obtainEngine } from './lib/media-engine.mjs';
import { buildClient, fail, installPackages, modernNode, root, run } from './lib/setup.mjs';

/** Programs that the tests really run, and the Debian package of each. */
const programs = [
  { package: 'redis-server', names: ['redis-server'] },
  { package: 'coturn', names: ['turnserver'] },
  { package: 'prometheus', names: ['prometheus'] },
  { package: 'caddy', names: ['caddy'] },
  { package: 'chromium', names: ['chromium', 'chromium-browser', 'google-chrome'] },
  { package: 'firefox-esr', names: ['firefox-esr', 'firefox'] },
];

function has(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
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
  const missing = [...programs.filter((p) => !p.names.some(has)).map((p) => p.package), ...more];
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
  installPrograms(findEngine());
  buildClient();
}

const resultDir = join(root, '.local');
const result = join(resultDir, 'vitest.json');
mkdirSync(resultDir, { recursive: true });
rmSync(result, { force: true });
const code = await run(node, [
  join(root, 'node_modules/vitest/vitest.mjs'),
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
failed += checks.filter((ok) => !ok).length;
console.log(
  `${counts.numPassedTests + checks.filter(Boolean).length} passed, ${failed} failed, ${counts.numPendingTests + counts.numTodoTests} skipped`,
);
process.exitCode = failed > 0 ? 1 : 0;
