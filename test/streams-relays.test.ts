/** What only a whole topology has: relays in the answers of WHIP and WHEP (RFC 9725 section 4.6), through the edge, of auth, at a real coturn. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { iceServersOf } from '../apps/client/src/live/whep.ts';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { startSdkBrowser } from './sdk/harness.ts';
import { publish, watch } from './support/stream-client.ts';

const WAIT = { timeout: 30_000, interval: 100 };
let stack: Stack;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'streams-relays-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>t</title>');
  stack = await startStack({
    ...{ port: 0, nodes: 1, media: true, clientDir: folder, dataDir: folder },
    env: { signaling: { ALLOWED_ORIGINS: '*', MAX_EVENT_LOOP_DELAY_MS: '10000' } },
  });
  expect(stack.turnUris.length).toBeGreaterThan(0);
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function tokenOf(userId: string): Promise<string> {
  const answer = await fetch(`${stack.authUrl}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, name: userId }),
  });
  return ((await answer.json()) as { token: string }).token;
}

test('W-1 W-7 a 201 of WHIP and one of WHEP name the relays of auth, with a login that coturn takes', async () => {
  const encoder = await publish(`${stack.origin}/whip/relays`, await tokenOf('encoder'));
  onTestFinished(() => encoder.close());
  await vi.waitFor(() => expect(encoder.peer.state).toBe('connected'), WAIT);
  const viewer = await watch(`${stack.origin}/whep/relays`, await tokenOf('viewer'));
  onTestFinished(() => viewer.close());
  const named = [encoder, viewer].map(({ response }) => iceServersOf(response.headers.get('link') ?? ''));
  const browser = await startSdkBrowser();
  onTestFinished(() => browser[Symbol.asyncDispose]());
  const page = await browser.page();
  for (const iceServers of named) {
    expect(iceServers.map(({ urls }) => urls)).toEqual([...stack.turnUris]);
    const [found] = await page.evaluate(async (given) => {
      const connection = new RTCPeerConnection({ iceServers: given, iceTransportPolicy: 'relay' });
      connection.createDataChannel('any');
      const candidates: (string | null)[] = [];
      const all = new Promise<void>((resolve) => {
        connection.onicecandidate = ({ candidate }) => (candidate ? candidates.push(candidate.type) : resolve());
      });
      await connection.setLocalDescription();
      await all;
      connection.close();
      return candidates;
    }, iceServers);
    expect(found).toBe('relay');
  }
  // Each has a login of their own.
  expect(new Set(named.map(([one]) => one?.username)).size).toBe(2);
});
