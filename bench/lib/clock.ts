/** A page of a media node's origin, with ./clock-page.ts in it: real Janus, Chromium, and a packager where the settings have one. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { ClockOptions, measureDelays, measureHls } from './clock-page.ts';

interface Measures {
  readonly measureDelays: typeof measureDelays;
  readonly measureHls: typeof measureHls;
}

export interface ClockPage extends AsyncDisposable {
  measure<Name extends keyof Measures>(
    name: Name,
    times: Pick<ClockOptions, 'warmUpSeconds' | 'seconds'>,
  ): Promise<Awaited<ReturnType<Measures[Name]>>>;
}

/** @param settings of the media node */
export async function startClockPage(settings: { readonly MAX_PACKAGERS?: number } = {}): Promise<ClockPage> {
  const [{ startMediaStack }, { launchBrowser }] = await Promise.all([
    import('../../test/support/media-stack.ts'),
    import('../../test/support/browser.ts'),
  ]);
  await using kept = new AsyncDisposableStack();
  const stack = kept.use(await startMediaStack({ from: 9, node: settings }));
  const node = await stack.mediaNode('m1', 36_000);
  const browser = await launchBrowser();
  kept.defer(() => browser.close());
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  const origin = `http://127.0.0.1:${node.httpPort}`;
  await page.goto(`${origin}/health/live`);
  for (const [file, globalName] of [
    ['../../apps/client/src/live/hls.ts', 'livePlayer'],
    ['./clock-page.ts', 'clock'],
  ] as const) {
    const entryPoints = [fileURLToPath(new URL(file, import.meta.url))];
    const { outputFiles } = await build({ entryPoints, bundle: true, write: false, format: 'iife', globalName });
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  }
  const token = await stack.keys.token('clock');
  const all = kept.move();
  return {
    measure: (name, times) =>
      page.evaluate(
        ([one, options]) =>
          (globalThis as unknown as { clock: Record<string, (o: ClockOptions) => never> }).clock[one]?.(
            options,
          ) as never,
        [name, { ...times, origin, room: 'clock', token }] as const,
      ),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
