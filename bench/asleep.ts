/** `npm run bench -- asleep [--both]`: a computer (or both) sleeps in a call (its browser's processes are stopped) and wakes; time until media is back. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { fixed, table } from './lib/stats.ts';

export const summary = 'asleep in a call for 20, 60, 100 and 115 s: seconds from waking until pictures flow both ways';

/** Later than this, what both pages saw is printed: a case that comes once in twenty is not to be had again. */
const GOAL_MS = 3000;

/** Processes and their parents. */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one)))
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Ended meanwhile.
    }
  return found;
}

/** Programs that this process has started. */
const children = () => new Set([...parents()].filter(([, parent]) => parent === process.pid).map(([pid]) => pid));

/** All processes of these programs. */
function descendants(roots: ReadonlySet<number>): Set<number> {
  const all = parents();
  const found = new Set(roots);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const [pid, parent] of all) if (found.has(parent)) found.add(pid);
  }
  return found;
}

const frames = async (page: Page) => {
  const { peers } = await page.evaluate(() => globalThis.harness.view());
  return peers.length === 1 ? (peers[0]?.framesDecoded ?? 0) : 0;
};

/** Until this page decodes new frames of the other. @returns undefined when that takes longer than `ms` */
async function flowing(page: Page, from: number, ms: number): Promise<number | undefined> {
  let before = await frames(page);
  while (performance.now() - from < ms) {
    await sleep(50);
    const now = await frames(page);
    // Decoded anew, and not what stood in the buffers: several in a row.
    if (now > before + 2) return performance.now() - from;
    before = Math.min(before, now);
  }
  return undefined;
}

/** What a page saw from the last seconds before the waking on, by its own clock. */
async function tell(who: string, page: Page, wokeAt: number): Promise<void> {
  const log = await page.evaluate(() =>
    globalThis.harness.log
      .filter(({ what }) => what !== 'stats')
      .map(({ t, what, detail }) => ({
        at: performance.timeOrigin + t,
        what,
        detail: JSON.stringify(detail).slice(0, 160),
      })),
  );
  for (const { at, what, detail } of log) console.log(`${who} ${fixed((at - wokeAt) / 1000)} ${what} ${detail}`);
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: 'string', default: '20,60,100,115' }, both: { type: 'boolean' } },
  });
  const { startTestKeys, startTestNode } = await import('../apps/signaling/src/testing.ts');
  const { startSdkBrowser, until } = await import('../test/sdk/harness.ts');
  await using keys = await startTestKeys();
  await using node = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*' } });
  await using awake = await startSdkBrowser();
  const others = children();
  await using sleeper = await startSdkBrowser();
  // Only what this process started itself: a process that the other browser began meanwhile must not sleep.
  const programs = new Set([...children()].filter((pid) => values.both || !others.has(pid)));
  const rows = [['asleep, s', 'sleeper sees, s', 'the other sees, s']];
  for (const seconds of values.seconds.split(',').map(Number)) {
    const pages = [await sleeper.page(), await awake.page()] as const;
    for (const [i, page] of pages.entries()) {
      const start = { url: node.wsUrl, token: await keys.token(`p${i}`), roomId: `s${seconds}`, name: `P${i}` };
      await page.evaluate((options) => globalThis.harness.start(options), start);
    }
    for (const page of pages) await until('pictures', async () => (await frames(page)) > 10);
    const asleep = descendants(programs);
    for (const pid of asleep) process.kill(pid, 'SIGSTOP');
    await sleep(seconds * 1000);
    const woke = performance.now();
    const wokeAt = Date.now();
    for (const pid of asleep) process.kill(pid, 'SIGCONT');
    const [back, seen] = await Promise.all(pages.map((page) => flowing(page, woke, 60_000)));
    const said = (ms: number | undefined) => (ms === undefined ? 'over 60' : fixed(ms / 1000));
    rows.push([String(seconds), said(back), said(seen)]);
    if (!(Math.max(back ?? Infinity, seen ?? Infinity) < GOAL_MS))
      for (const [i, page] of pages.entries()) await tell(i === 0 ? 'sleeper' : 'other', page, wokeAt);
    for (const page of pages) await page.close();
  }
  console.log(`\n${table(rows)}`);
}
