/** The example of packages/rtc/README.md as it stands there, run by two people in Chromium behind the edge, with the real auth. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@tandem/service';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { startTestAuth } from '../apps/auth/src/testing.ts';
import { startTestNode } from '../apps/signaling/src/testing.ts';
import { startEdge } from '../infra/local/edge/server.ts';
import { launchBrowser, openPage } from './support/browser.ts';

const rtc = new URL('../packages/rtc/', import.meta.url).pathname;

test('the example of the README makes a call, each first connection with TURN', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tandem-readme-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(rtc, 'README.md'), 'utf8'))?.[1] ?? '';
  expect(example).toContain('getIceServers');
  await build({
    stdin: { contents: example, resolveDir: rtc, loader: 'ts' },
    alias: { '@tandem/rtc': join(rtc, 'src/index.ts') },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outfile: join(folder, 'app.js'),
  });
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script type="module" src="/app.js"></script>',
  );
  const auth = stack.use(
    await startTestAuth({ TURN_SECRETS: 'secret-of-this-test', TURN_URIS: 'turn:127.0.0.1:3478?transport=udp' }),
  );
  const node = stack.use(await startTestNode({ keys: auth }));
  const edge = stack.use(
    await startEdge(
      {
        HOST: '127.0.0.1',
        PORT: 0,
        LOG_LEVEL: 'silent',
        CLIENT_DIR: folder,
        AUTH_TARGETS: auth.url,
        SIGNALING_TARGETS: `http://127.0.0.1:${node.port}`,
        CLIENT_SETTINGS: '{}',
      },
      createLogger('edge', 'silent'),
    ),
  );
  const browser = await launchBrowser();
  stack.defer(() => browser.close());
  const enter = async () => {
    const { page, errors } = await openPage(browser);
    const refused: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400) refused.push(`${response.status()} ${new URL(response.url()).pathname}`);
    });
    await page.goto(`http://127.0.0.1:${edge.port}/`);
    return { page, errors, refused };
  };
  const ada = await enter();
  const bob = await enter();
  for (const { page } of [ada, bob])
    await page.waitForFunction(() => [...document.querySelectorAll('video')].some((v) => v.videoWidth > 0), undefined, {
      timeout: 120_000,
    });
  for (const { page, errors, refused } of [ada, bob]) {
    expect(refused).toEqual([]);
    expect(errors).toEqual([]);
    const servers = await page.evaluate(() =>
      (globalThis as unknown as { keptConnections: RTCPeerConnection[] }).keptConnections
        .filter((c) => c.connectionState === 'connected')
        .map((c) => c.getConfiguration().iceServers?.flatMap((s) => s.urls) ?? []),
    );
    expect(servers).toHaveLength(1);
    expect(servers[0]?.some((url) => url.startsWith('turn:'))).toBe(true);
  }
});
