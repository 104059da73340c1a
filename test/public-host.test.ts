/**
 * One host with a domain, as processes: Caddy with our configuration before the edge, the TURN node with Caddy's certificate.
 * The same in containers: `npm run test:containers`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tandem/service/ports';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { openPage } from './support/browser.ts';
import { type Caddy, startCaddy } from './support/caddy.ts';
import { expectMedia, joinRoom } from './support/call.ts';
import { browserForName, canaryOutput, DOMAIN, onlyTurns } from './support/public-name.ts';

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

test('the canary passes over https and turns:, with one certificate that fits the name', async () => {
  const output = await canaryOutput(origin, caddy.authority);
  expect(output).toContain(`turns:${DOMAIN}:${turnTlsPort}?transport=tcp`);
  expect(output).toMatch(/✓ relay-tls/);
  expect(output.trim().split('\n').at(-1), output).toBe(`${origin} passed`);
});

test('a browser takes the page for a secure context and is told to stay with https', async () => {
  const browser = await browserForName();
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
  const browser = await browserForName();
  try {
    await expectMedia([
      await joinRoom(browser, origin, 'Ada', 'direct'),
      await joinRoom(browser, origin, 'Bob', 'direct'),
    ]);
    const byTurns = (name: string) => joinRoom(browser, origin, name, 'by-turns', undefined, onlyTurns);
    await expectMedia([await byTurns('Cem'), await byTurns('Dea')], 'relay/relay');
  } finally {
    await browser.close();
  }
});
