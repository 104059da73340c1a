/** What one user may hold at a relay, against what a browser really takes there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startStack } from '../infra/local/stack.ts';
import { launchPlainBrowser } from './support/browser.ts';

/** A mesh of six, and one connection that is made anew while the old one still closes. */
const CONNECTIONS = 5 + 1;
/** UDP, TCP and TLS, as auth hands them out, each from both address families of the browser's network. */
const ALLOCATIONS = CONNECTIONS * 3 * 2;

test('the quota of a user holds the relays of a whole mesh, over every way the browser tries', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'relay-quota-'));
  await using stack = await startStack({ port: 0, nodes: 1, dataDir: folder });
  const browser = await launchPlainBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(stack.origin);
    const gathered = await page.evaluate(gather, ALLOCATIONS);
    const ways = gathered[0] ?? [];
    expect(ways.length).toBeGreaterThanOrEqual(2);
    console.log(`${gathered.length} connections at once, each over ${ways.join(', ')}`);
    for (const relays of gathered) expect(relays).toEqual(ways);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** In the page, as a guest: opens connections until they ask for that many allocations; the URLs for which each has a relay. */
async function gather(allocations: number): Promise<string[][]> {
  const login = await fetch('/auth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'ada' }),
  });
  const { token } = await login.json();
  const answer = await fetch('/auth/ice-servers', { headers: { authorization: `Bearer ${token}` } });
  const { iceServers } = await answer.json();
  const open = async () => {
    const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
    connection.createDataChannel('any');
    const urls: string[] = [];
    const complete = new Promise<void>((done) => {
      connection.onicecandidate = ({ candidate }) => {
        if (!candidate) done();
        // In the standard and in browsers, not yet in TypeScript.
        else if ('url' in candidate) urls.push(String(candidate.url));
      };
    });
    await connection.setLocalDescription();
    await complete;
    return urls.sort();
  };
  const first = await open();
  return [first, ...(await Promise.all(Array.from({ length: allocations / first.length - 1 }, open)))];
}
