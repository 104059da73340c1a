/**
 * `npm run bench -- lighthouse`: what Lighthouse says of the built client behind the real edge. Lighthouse is no dependency
 * of the repository (176 MB for an occasional look): the first run installs this version into .local/lighthouse.
 * `--failed` names what costs points; `--tasks` measures the lobby on a phone only, and prints the longest tasks of its main thread, by the
 * clock (which counts what else the machine does) and by the processor's time (which does not).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { findProgram } from '../infra/local/programs.ts';
import { blocked, type TraceEvent, tasksOf } from './lib/main-thread.ts';
import { fixed, table } from './lib/stats.ts';

export const opensPage = true;
export const summary = 'Lighthouse scores of lobby and diagnostics, phone and desk';

const VERSION = '13.5.0';
const PAGES = { lobby: '/', diagnostics: '/diagnostics/' } as const;
/** No SEO: a private room has no business in an index, and says so. */
const CATEGORIES = ['performance', 'accessibility', 'best-practices'] as const;

/** Tasks that `--tasks` prints. */
const LONGEST = 8;

interface Result {
  artifacts: { Trace: { traceEvents: TraceEvent[] } };
  lhr: {
    categories: Record<string, { score: number | null; auditRefs: { id: string; weight: number }[] }>;
    audits: Record<string, { title: string; score: number | null; displayValue?: string }>;
  };
}
type Lighthouse = (url: string, flags: object, config?: object) => Promise<Result | undefined>;
interface Launcher {
  launch(options: object): Promise<{ port: number; kill(): void }>;
}

async function tools() {
  const prefix = path.resolve('.local/lighthouse');
  const installed = path.join(prefix, 'node_modules/lighthouse/package.json');
  if (!existsSync(installed) || createRequire(installed)('./package.json').version !== VERSION) {
    // A package of its own: npm must not take it for a part of the workspace.
    mkdirSync(prefix, { recursive: true });
    writeFileSync(path.join(prefix, 'package.json'), '{ "private": true }\n');
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `lighthouse@${VERSION}`];
    execFileSync('npm', args, { cwd: prefix, stdio: 'inherit' });
  }
  const { resolve } = createRequire(installed);
  const load = (name: string) => import(pathToFileURL(resolve(name)).href);
  const lighthouse = (await load('lighthouse')) as { default: Lighthouse; desktopConfig: object };
  return {
    run: lighthouse.default,
    desktop: lighthouse.desktopConfig,
    launcher: (await load('chrome-launcher')) as Launcher,
  };
}

function printTasks({ artifacts }: Result, origin: string): void {
  const tasks = tasksOf(artifacts.Trace.traceEvents, origin);
  const rows = tasks
    .slice(0, LONGEST)
    .map(({ at, clock, cpu, what }) => [what, fixed(at, 0), fixed(clock, 0), fixed(cpu, 0)]);
  console.log(table([['longest tasks, ms', 'at', 'clock', 'CPU'], ...rows]));
  const [byClock, byCpu] = [blocked(tasks.map((t) => t.clock)), blocked(tasks.map((t) => t.cpu))];
  console.log(
    `blocked on a phone by the clock ${fixed(byClock, 0)} ms, by the processor's time alone ${fixed(byCpu, 0)} ms`,
  );
}

export async function run(args: string[]): Promise<void> {
  const options = { failed: { type: 'boolean', default: false }, tasks: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ args, options });
  const { run: lighthouse, desktop, launcher } = await tools();
  const { startPwa } = await import('../test/pwa/harness.ts');
  await using pwa = await startPwa();
  const chrome = await launcher.launch({
    chromePath: ['chromium', 'google-chrome'].map((name) => findProgram(name)).find(Boolean),
    chromeFlags: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ],
  });
  const rows = [['', ...CATEGORIES, 'first paint', 'largest', 'blocked', 'shift']];
  const failed: string[] = [];
  try {
    for (const [name, url] of Object.entries(PAGES).slice(0, values.tasks ? 1 : undefined))
      for (const form of values.tasks ? (['phone'] as const) : (['phone', 'desk'] as const)) {
        const flags = { port: chrome.port, onlyCategories: CATEGORIES, logLevel: 'error' };
        const result = await lighthouse(pwa.origin + url, flags, form === 'desk' ? desktop : undefined);
        if (!result) throw new Error(`Lighthouse gave nothing for ${url}`);
        if (values.tasks) printTasks(result, pwa.origin);
        const { categories, audits } = result.lhr;
        const shown = (id: string) => audits[id]?.displayValue ?? '–';
        rows.push([
          `${name}, ${form}`,
          ...CATEGORIES.map((id) => String(Math.round((categories[id]?.score ?? 0) * 100))),
          ...[
            'first-contentful-paint',
            'largest-contentful-paint',
            'total-blocking-time',
            'cumulative-layout-shift',
          ].map(shown),
        ]);
        for (const { auditRefs } of Object.values(categories))
          for (const { id, weight } of auditRefs) {
            const audit = audits[id];
            if (weight > 0 && audit && audit.score !== null && audit.score < 0.9)
              failed.push(`${name}, ${form}: ${id}: ${audit.title} ${audit.displayValue ?? ''}`);
          }
      }
  } finally {
    chrome.kill();
  }
  console.log(table(rows));
  if (values.failed) console.log(failed.join('\n'));
}
