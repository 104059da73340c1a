/** A deployment under a name that leads to this machine, for the tests of one host with a domain. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
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

/** Of what auth hands out the page uses turns: alone, as in a network that lets nothing else out. */
export async function onlyTurns(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const narrow = (given: RTCConfiguration = {}): RTCConfiguration => ({
      ...given,
      iceTransportPolicy: 'relay',
      iceServers: (given.iceServers ?? []).map((server) => ({
        ...server,
        urls: [server.urls].flat().filter((url) => url.startsWith('turns:')),
      })),
    });
    const set = RTCPeerConnection.prototype.setConfiguration;
    RTCPeerConnection.prototype.setConfiguration = function (given) {
      set.call(this, narrow(given));
    };
    globalThis.RTCPeerConnection = new Proxy(globalThis.RTCPeerConnection, {
      construct: (target, [given]) => Reflect.construct(target, [narrow(given)]),
    });
  });
}
