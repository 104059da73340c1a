/**
 * One host with a domain, as processes: Caddy with our configuration before the edge, the TURN node with Caddy's certificate.
 * The same in containers: `npm run test:containers`.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../infra/local/programs.ts';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { launchBrowser, openPage } from './support/browser.ts';
import { type Caddy, startCaddy } from './support/caddy.ts';
import { expectMedia, joinRoom } from './support/call.ts';

const DOMAIN = 'calls.example.org';
const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'public-host-'));
let stack: Stack;
let caddy: Caddy;
let origin = '';
let turnTlsPort = 0;

beforeAll(async () => {
  const [http, https, tls] = await Promise.all([freePort(), freePort(), freePort()]);
  turnTlsPort = tls;
  origin = `https://${DOMAIN}:${https}`;
  const certificates = join(folder, 'certificates');
  const options = { domain: DOMAIN, folder: certificates, ports: { http, https } };
  // Only for its certificate: the edge has no port yet.
  await (await startCaddy({ ...options, edge: '127.0.0.1:1' }))[Symbol.asyncDispose]();
  const proxied = { ALLOWED_ORIGINS: origin, TRUSTED_PROXIES: '2' };
  stack = await startStack({
    port: 0,
    nodes: 2,
    dataDir: folder,
    env: {
      auth: { ...proxied, TURN_URIS: '' },
      signaling: proxied,
      turn: { TURN_HOST: DOMAIN, TURN_TLS_PORT: String(tls), TLS_FOLDER: certificates },
    },
  });
  caddy = await startCaddy({ ...options, edge: new URL(stack.origin).host });
});
afterAll(async () => {
  await caddy?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The canary, which believes Caddy's authority and finds the name on this machine. */
function canary(): Promise<string> {
  // The name of the test leads nowhere; what is checked of a certificate is its name and its authority, not the address.
  const preload = join(folder, 'resolve-here.mjs');
  writeFileSync(
    preload,
    `import dns from 'node:dns';
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(name === '${DOMAIN}' ? '127.0.0.1' : name, ...rest);`,
  );
  const args = ['--disable-warning=ExperimentalWarning', '--import', preload, 'infra/canary/main.ts', origin];
  return new Promise((done) => {
    const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: caddy.authority };
    execFile(process.execPath, args, { cwd: root, env }, (_error, stdout, stderr) => done(`${stdout}${stderr}`));
  });
}

test('the canary passes over https and turns:, with one certificate that fits the name', async () => {
  await vi.waitFor(async () => expect(await canary()).toMatch(/✓ relay-tls {4}1 allocation/), { timeout: 60_000 });
  const output = await canary();
  expect(output).toContain(`turns:${DOMAIN}:${turnTlsPort}?transport=tcp`);
  expect(output.trim().split('\n').at(-1)).toBe(`${origin} passed`);
});

test('a browser takes the page for a secure context and stays with https', async () => {
  const browser = await launchBrowser(['--ignore-certificate-errors', `--host-resolver-rules=MAP ${DOMAIN} 127.0.0.1`]);
  try {
    const { page } = await openPage(browser);
    const answer = await page.goto(origin);
    expect(answer?.headers()['strict-transport-security']).toBe('max-age=15552000');
    expect(await page.evaluate(() => globalThis.isSecureContext)).toBe(true);
  } finally {
    await browser.close();
  }
});

test('two people call each other over https, and two more by turns: alone', async () => {
  const browser = await launchBrowser(['--ignore-certificate-errors', `--host-resolver-rules=MAP ${DOMAIN} 127.0.0.1`]);
  try {
    await expectMedia([
      await joinRoom(browser, origin, 'Ada', 'direct'),
      await joinRoom(browser, origin, 'Bob', 'direct'),
    ]);
    const byTurns = (name: string) =>
      joinRoom(browser, origin, name, 'by-turns', { iceTransportPolicy: 'relay' }, onlyTurns);
    await expectMedia([await byTurns('Cem'), await byTurns('Dea')], 'relay/relay');
  } finally {
    await browser.close();
  }
});

/** Of what auth hands out only turns: is left, as in a network that lets nothing else out. */
async function onlyTurns(page: Parameters<typeof expectMedia>[0][number]): Promise<void> {
  await page.route('**/auth/ice-servers*', async (route) => {
    const response = await route.fetch();
    const body = (await response.json()) as { iceServers: { urls: string[] }[] };
    for (const server of body.iceServers) server.urls = server.urls.filter((url) => url.startsWith('turns:'));
    expect(body.iceServers.flatMap((server) => server.urls)).toHaveLength(1);
    await route.fulfill({ response, json: body });
  });
}
