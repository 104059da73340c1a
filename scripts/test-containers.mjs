// `npm run test:containers [-- --no-build]`: build the images, bring compose.yaml up with real containers, call through it, take it down.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, installPackages, modernNode, root, run, toolEnv } from './lib/setup.mjs';

/** ws, which is CommonJS, asks for Node's modules. */
const BANNER =
  "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const secret = () => randomBytes(32).toString('base64url');

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// A machine may have a second client that lacks BuildKit: Debian's own is asked first.
process.env.PATH = `/usr/bin:${process.env.PATH}`;
if (!works('docker', ['version'])) fail('No container engine answers (docker version). Start one, then try again.');
const compose = works('docker', ['compose', 'version']) ? ['docker', 'compose'] : ['docker-compose'];
if (!works(compose[0], [...compose.slice(1), 'version']))
  fail('docker compose is missing. Install it, then try again.');
installPackages();
const node = modernNode();

const port = await freePort();
const httpsPort = await freePort();
const env = {
  ...toolEnv(),
  PATH: process.env.PATH,
  DOCKER_BUILDKIT: '1',
  COMPOSE_DOCKER_CLI_BUILD: '1',
  COMPOSE_PROJECT_NAME: `tandem-test-${process.pid}`,
  TANDEM_PORT: String(port),
  TANDEM_TURN_PORT: String(await freePort()),
  TANDEM_CACHE_PORT: String(await freePort()),
  TANDEM_CACHE_PASSWORD: secret(),
  TANDEM_TURN_SECRET: secret(),
  TANDEM_MEDIA_SECRET: secret(),
  TANDEM_WEBHOOK_KEY: secret(),
  // One host with a domain: Caddy is its own authority, and the name leads here for the test alone.
  COMPOSE_PROFILES: 'public,recordings,hls,captions',
  TANDEM_PACKAGERS: '1',
  TANDEM_RECORDINGS: '/recordings',
  // A recognizer that is built here, in place of an image of half a gigabyte that needs 16 GB.
  TANDEM_RECOGNIZER_IMAGE: 'tandem-test/recognizer',
  TANDEM_RECOGNIZERS: 'en=ws://recognizer:2700',
  TANDEM_CAPTIONS_TARGETS: 'http://captions:8083',
  TANDEM_CLIENT_SETTINGS: '{"captionLanguages":["en"]}',
  TANDEM_OPEN_GRANTS: '{"record":true}',
  TANDEM_DOMAIN: 'calls.example.org',
  TANDEM_TLS_ISSUER: 'internal',
  TANDEM_ORIGIN: `https://calls.example.org:${httpsPort},http://localhost:${port}`,
  TANDEM_TRUSTED_PROXIES: '2',
  TANDEM_PUBLIC_BIND: '127.0.0.1',
  TANDEM_HTTP_PORT: String(await freePort()),
  TANDEM_HTTPS_PORT: String(httpsPort),
  TANDEM_TURN_TLS_PORT: String(await freePort()),
  // Both browsers of the test run on this machine, so their relay candidates are loopback addresses.
  TANDEM_TURN_LOOPBACK: 'true',
};
const call = (args, options = {}) => run(compose[0], [...compose.slice(1), ...args], { env, ...options });

// Relay and media engine come as packages from the same mirror as this machine's: the settings of apt here hold in their images.
const checked = spawnSync('apt-config', ['dump', 'Acquire::Check-Valid-Until'], { encoding: 'utf8' }).stdout ?? '';
const validUntil = checked.includes('"false"') ? 'false' : 'true';

/** @throws Error with what the build said */
function build(tag, args, cwd = root) {
  console.log(`  Building ${tag}…`);
  const built = spawnSync('docker', ['build', '-t', tag, ...args, '.'], { cwd, env, encoding: 'utf8' });
  if (built.status !== 0) {
    console.error(`${built.stdout}${built.stderr}`.split('\n').slice(-80).join('\n'));
    throw new Error(`${tag} did not build (above).`);
  }
  const size = spawnSync('docker', ['image', 'inspect', '-f', '{{.Size}}', tag], { encoding: 'utf8' });
  console.log(`  ${tag}  ${(Number(size.stdout) / 1e6).toFixed(0)} MB`);
}

/** The recognizer of test/recognizer: one bundled file, and a program of Debian's. */
function buildRecognizer() {
  const folder = mkdtempSync(join(tmpdir(), 'recognizer-'));
  try {
    const from = join(root, 'test/recognizer');
    const file = join(folder, 'main.mjs');
    const bundle = ['--bundle', '--platform=node', '--format=esm', '--log-level=error', `--outfile=${file}`];
    execFileSync(node, [join(root, 'node_modules/esbuild/bin/esbuild'), join(from, 'main.ts'), ...bundle, BANNER]);
    cpSync(join(from, 'Dockerfile'), join(folder, 'Dockerfile'));
    build('tandem-test/recognizer', [], folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let failed = 1;
try {
  for (const target of process.argv.includes('--no-build')
    ? []
    : ['auth', 'signaling', 'hooks', 'captions', 'turn', 'media', 'packager', 'composer', 'edge', 'canary', 'tls']) {
    const args = ['turn', 'media'].includes(target) ? ['--build-arg', `APT_CHECK_VALID_UNTIL=${validUntil}`] : [];
    build(`tandem/${target}`, ['--target', target, ...args]);
  }
  buildRecognizer();
  if ((await call(['up', '-d', '--no-build'])) !== 0) throw new Error('compose did not come up (above).');
  failed = await run(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'containers'], {
    env: {
      ...env,
      PATH: `${join(root, 'node_modules/.bin')}:${env.PATH}`,
      TANDEM_CONTAINERS: `http://localhost:${port}`,
      TANDEM_CONTAINERS_PUBLIC: `https://calls.example.org:${httpsPort}`,
    },
  });
  if (failed) await call(['logs', '--tail', '40']);
} catch (error) {
  console.error(`  ${error.message}`);
  await call(['logs', '--tail', '40']);
} finally {
  await call(['down', '-v', '-t', '5'], { stdio: 'ignore' });
}
process.exitCode = failed ? 1 : 0;
