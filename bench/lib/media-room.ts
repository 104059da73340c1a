/** A room of pages that show cheap pictures, and media nodes as processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { SdkBrowser } from '../../test/sdk/harness.ts';
import type { MediaProcess } from '../../test/support/media-process.ts';
import { traceConnections } from './trace-page.ts';

export interface World {
  readonly browser: SdkBrowser;
  readonly enter: (name: string) => Promise<Page>;
  readonly startNode: (id: string, firstPort: number) => Promise<MediaProcess>;
}

/**
 * @param from people from which a media node serves
 * @param fps of each camera
 */
export async function startWorld(stack: AsyncDisposableStack, from: number, fps: number): Promise<World> {
  const [{ startMediaProcesses }, { startSdkBrowser }] = await Promise.all([
    import('../../test/support/media-process.ts'),
    import('../../test/sdk/harness.ts'),
  ]);
  // What nodes complain of is part of the result.
  const processes = stack.use(await startMediaProcesses({ from, complain: (line) => process.stderr.write(line) }));
  const browser = stack.use(await startSdkBrowser());
  return {
    browser,
    enter: async (name) => {
      const page = await browser.page();
      const { token } = await processes.auth.login(name);
      const options = { url: processes.url, token, roomId: 'measured', name, media: 'canvas' as const, fps };
      await page.evaluate(traceConnections);
      await page.evaluate((o) => {
        globalThis.harness.watchMoments();
        return globalThis.harness.start(o);
      }, options);
      return page;
    },
    startNode: (id, firstPort) => processes.start(id, firstPort),
  };
}

/** Every picture moves and every voice is heard on every page, by that way. @returns what is missing after a minute */
export async function whole(pages: readonly Page[], topology: 'mesh' | 'sfu'): Promise<string | undefined> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const from = Date.now() - 1500;
    const states = await Promise.all(
      pages.map((page) =>
        page.evaluate(
          (since) => ({
            shown: globalThis.harness.shown().map((p) => p.topology),
            moments: globalThis.harness.moments(since).map((m) => [m.frames.length, m.sounds.length]),
          }),
          from,
        ),
      ),
    );
    const isWhole = ({ shown, moments }: (typeof states)[number]) =>
      shown.length === pages.length - 1 &&
      shown.every((one) => one === topology) &&
      moments.flat().every((count) => count > 1);
    if (states.every(isWhole)) return undefined;
    if (Date.now() > deadline) return `not whole by ${topology}: ${JSON.stringify(states)}`;
    await sleep(250);
  }
}
