/** What tests of rooms wait for, in pages of either browser. */
import { until } from './harness.ts';

/** What both drivers (Playwright, Puppeteer) can do with a page. */
export interface SdkPage {
  evaluate<T>(run: () => T | Promise<T>): Promise<T>;
  evaluate<T, A>(run: (given: A) => T | Promise<T>, given: A): Promise<T>;
  close(): Promise<void>;
}

export const shown = (page: SdkPage) => page.evaluate(() => globalThis.harness.shown());

export interface Whole {
  /** Others than the page's own. */
  readonly people: number;
  readonly topology: 'mesh' | 'sfu';
  /** What the servers said, for the error. */
  readonly log?: readonly string[];
}

/** Everybody on this page comes that way, their pictures move and their voices are heard. @throws Error after 40 s with what is missing */
export async function everybody(page: SdkPage, { people, topology, log = [] }: Whole): Promise<void> {
  let last: unknown;
  try {
    await until(
      `${people} people by ${topology}`,
      async () => {
        const before = new Map((await shown(page)).map((p) => [p.name, p.frames]));
        await new Promise((resolve) => setTimeout(resolve, 500));
        const now = await shown(page);
        last = now;
        return (
          now.length === people &&
          now.every((p) => p.topology === topology && p.frames > (before.get(p.name) ?? 0) && p.level > 0)
        );
      },
      40_000,
    );
  } catch (error) {
    const timings = await page.evaluate(() => globalThis.harness.log.filter((l) => l.what !== 'peer-changed'));
    const received = await page.evaluate(() => globalThis.harness.received());
    throw new Error(
      `${String(error)}\n${JSON.stringify(last, null, 1)}\n${log.join('\n')}\n${JSON.stringify(timings)}\n${JSON.stringify(received)}`,
    );
  }
}

/** So on each of the pages. @throws Error with what each of them says that is not whole: what one misses, another one may have kept */
export async function everybodyOf(pages: readonly SdkPage[], whole: Whole): Promise<void> {
  const results = await Promise.allSettled(pages.map((page) => everybody(page, whole)));
  const failed = results.flatMap((r, i) => (r.status === 'rejected' ? [`page ${i}: ${String(r.reason)}`] : []));
  if (failed.length > 0) throw new Error(failed.join('\n\n'));
}
