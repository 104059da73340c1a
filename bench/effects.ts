/** `npm run bench -- effects`: what blur and the noise filter take of the processor, and what they load. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuNs } from './lib/cpu.ts';
import { fixed, table } from './lib/stats.ts';

export const opensPage = true;
export const summary = 'CPU of background blur and noise filter in the lobby, and what they load';

const CASES = {
  'no effect': {},
  blur: { backgroundBlur: true },
  'noise filter': { noiseFilter: true },
} as const;

/** CPU ns of everything that this process started, the browser's processes among them. */
function cpuOfChildren(): number {
  const parents = new Map<number, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      // After the name, which may hold anything: state, parent.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended between the two calls.
    }
  const mine = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || mine(parent));
  };
  return [...parents.keys()].filter(mine).reduce((sum, pid) => sum + cpuNs(pid), 0);
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { seconds: { type: 'string', default: '10' } } });
  const seconds = Number(values.seconds);
  // Loaded here: the list of benchmarks must not load a browser driver and two services.
  const [{ startPwa }, { launchBrowser }] = await Promise.all([
    import('../test/pwa/harness.ts'),
    import('../test/support/browser.ts'),
  ]);
  await using pwa = await startPwa();
  const rows = [['lobby, 720p camera', 'cores', 'pictures/s', 'ms of CPU a picture more', 'loaded, KB']];
  let plain: number | undefined;
  for (const [name, preferences] of Object.entries(CASES)) {
    const browser = await launchBrowser();
    try {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: 'block' });
      await context.addInitScript(
        (chosen) => localStorage.setItem('tandem.preferences', chosen),
        JSON.stringify(preferences),
      );
      const page = await context.newPage();
      let bytes = 0;
      page.on('response', async (response) => {
        if (response.url().includes('/effects-')) bytes += (await response.body()).length;
      });
      await page.goto(pwa.origin);
      await page.getByTestId('local-video').waitFor();
      await sleep(3000);
      const before = cpuOfChildren();
      const begin = performance.now();
      const frames = await page.evaluate(async (ms) => {
        const video = document.querySelector('video');
        const shown = () => video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
        const first = shown();
        await new Promise((resolve) => setTimeout(resolve, ms));
        return shown() - first;
      }, seconds * 1000);
      const cores = (cpuOfChildren() - before) / ((performance.now() - begin) * 1e6);
      plain ??= cores;
      const rate = frames / seconds;
      rows.push([
        name,
        fixed(cores),
        fixed(rate, 1),
        cores === plain ? '–' : fixed(((cores - plain) * 1000) / rate, 1),
        fixed(bytes / 1024, 0),
      ]);
    } finally {
      await browser.close();
    }
  }
  console.log(`\n${table(rows)}`);
}
