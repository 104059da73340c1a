/** A deployment under a name that leads to this machine, for the tests of one host with a domain. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchBrowser } from './browser.ts';

export const DOMAIN = 'calls.example.org';
const root = resolve(import.meta.dirname, '../..');

/**
 * Output of the canary, which finds the name on this machine and believes this authority. Names and chains of certificates are
 * checked as ever.
 * @param authority PEM file
 */
export function canaryOutput(origin: string, authority: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'public-name-'));
  const preload = join(folder, 'resolve-here.mjs');
  writeFileSync(
    preload,
    `import dns from 'node:dns';
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(name === '${DOMAIN}' ? '127.0.0.1' : name, ...rest);`,
  );
  const args = ['--disable-warning=ExperimentalWarning', '--import', preload, 'infra/canary/main.ts', origin];
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: authority };
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: root, env }, (_error, stdout, stderr) => {
      rmSync(folder, { recursive: true, force: true });
      done(`${stdout}${stderr}`);
    });
  });
}

/** A browser for which the name leads here. The authority is the test's own, so certificates are the canary's matter. */
export function browserForName(): Promise<Browser> {
  return launchBrowser(['--ignore-certificate-errors', `--host-resolver-rules=MAP ${DOMAIN} 127.0.0.1`]);
}

/** Of what auth hands out only turns: is left, as in a network that lets nothing else out. */
export async function onlyTurns(page: Page): Promise<void> {
  await page.route('**/auth/ice-servers*', async (route) => {
    const response = await route.fetch();
    const body = (await response.json()) as { iceServers: { urls: string[] }[] };
    for (const server of body.iceServers) server.urls = server.urls.filter((url) => url.startsWith('turns:'));
    expect(body.iceServers.flatMap((server) => server.urls)).toHaveLength(1);
    await route.fulfill({ response, json: body });
  });
}
