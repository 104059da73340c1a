/** `npm run bench -- connect`: from the click on Join to the first decoded frame of the other, in real browsers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { fixed, quantile, table } from './lib/stats.ts';

export const summary = 'click join → remote frame decoded (p50, p95), loopback and 40 ms RTT';

interface Marks {
  clicked?: number;
  decoded?: number;
}

/** Runs in the page before the app: notes the click, and the first video frame that comes out of a remote track. */
function instrument(): void {
  const marks: Marks = {};
  Object.assign(globalThis, { connectMarks: marks });
  document.addEventListener(
    'click',
    (event) => {
      if ((event.target as Element).closest('[data-testid=join]')) marks.clicked ??= performance.now();
    },
    true,
  );
  const firstFrame = async (track: MediaStreamTrack) => {
    const Processor = (
      globalThis as unknown as {
        MediaStreamTrackProcessor: new (init: {
          track: MediaStreamTrack;
        }) => { readable: ReadableStream<{ close(): void }> };
      }
    ).MediaStreamTrackProcessor;
    const reader = new Processor({ track }).readable.getReader();
    const { value } = await reader.read();
    marks.decoded ??= performance.now();
    value?.close();
    await reader.cancel();
  };
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('track', ({ track }) => {
        if (track.kind === 'video') void firstFrame(track.clone()).catch(() => {});
      });
    }
  };
}

async function enter(browser: Browser, origin: string, name: string, room: string, warmMs: number) {
  const { openPage } = await import('../test/support/browser.ts');
  const { context, page } = await openPage(browser);
  await context.addInitScript(instrument);
  await page.goto(`${origin}/?room=${room}`);
  await page.getByTestId('name-input').fill(name);
  // People look at themselves and type their name before they join: token, socket, credentials and camera are ready by then.
  await sleep(warmMs);
  await page.getByTestId('join').click();
  return { context, page };
}

async function measure(trials: number, warmMs: number, rttMs: number): Promise<number[]> {
  // Loaded here: the list of benchmarks must not load a browser driver and two services.
  const [{ startPwa }, { launchBrowser }] = await Promise.all([
    import('../test/pwa/harness.ts'),
    import('../test/support/browser.ts'),
  ]);
  await using pwa = await startPwa();
  if (rttMs > 0) delayClients(rttMs, Number(new URL(pwa.origin).port));
  const browser = await launchBrowser();
  const took: number[] = [];
  try {
    const host = await enter(browser, pwa.origin, 'Ada', 'bench', warmMs);
    await host.page.getByTestId('empty-room').waitFor({ timeout: 60_000 });
    // The first one warms the browser up.
    for (let i = 0; i <= trials; i++) {
      const guest = await enter(browser, pwa.origin, 'Bob', 'bench', warmMs);
      const handle = await guest.page.waitForFunction(
        () => {
          const { connectMarks } = globalThis as unknown as { connectMarks: Marks };
          return connectMarks.decoded !== undefined && connectMarks.clicked !== undefined
            ? connectMarks.decoded - connectMarks.clicked
            : false;
        },
        undefined,
        { timeout: 60_000, polling: 100 },
      );
      if (i > 0) took.push(Number(await handle.jsonValue()));
      await guest.page
        .getByTestId('leave')
        .click()
        .catch(() => {});
      await guest.context.close();
      await host.page.getByTestId('empty-room').waitFor({ timeout: 90_000 });
    }
  } finally {
    await browser.close();
  }
  return took;
}

/**
 * Everything between a browser and the service, and between the browsers, takes half of `rttMs` each way: TCP of the edge's port and all
 * UDP. What the services say to each other stays as fast as inside one data centre. Only ever called in a network namespace of our own.
 */
function delayClients(rttMs: number, port: number): void {
  const tc = (...args: string[]) => execFileSync('tc', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  tc('qdisc', 'add', 'dev', 'lo', 'root', 'handle', '1:', 'prio', 'bands', '3', 'priomap', ...'0'.repeat(16));
  tc(
    'qdisc',
    'add',
    'dev',
    'lo',
    'parent',
    '1:3',
    'handle',
    '30:',
    'netem',
    'delay',
    `${rttMs / 2}ms`,
    'limit',
    '10000',
  );
  const filter = (...match: string[]) =>
    tc('filter', 'add', 'dev', 'lo', 'parent', '1:', 'protocol', 'ip', 'u32', 'match', 'ip', ...match, 'flowid', '1:3');
  filter('protocol', '17', '0xff');
  filter('dport', String(port), '0xffff');
  filter('sport', String(port), '0xffff');
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      trials: { type: 'string', default: '20' },
      rtt: { type: 'string', default: '0,40' },
      'warm-ms': { type: 'string', default: '3000' },
      'in-namespace': { type: 'boolean', default: false },
    },
  });
  const rtts = values.rtt.split(',').map(Number);
  const rows = [['click join → remote frame decoded', 'p50 ms', 'p95 ms', 'trials']];
  for (const rtt of rtts) {
    if (rtt > 0 && !values['in-namespace']) {
      const self = fileURLToPath(new URL('run.ts', import.meta.url));
      const inner = `ip link set lo up && exec "$@" --rtt ${rtt} --in-namespace`;
      const child = spawnSync(
        'unshare',
        // As root a network namespace is enough; others need a user namespace around it.
        [
          ...(process.getuid?.() === 0 ? ['-n'] : ['-rn']),
          'sh',
          '-c',
          inner,
          'sh',
          process.execPath,
          self,
          'connect',
          ...args,
        ],
        { stdio: 'inherit' },
      );
      if (child.status !== 0)
        throw new Error('the delayed run failed (it needs unshare and tc: apt-get install iproute2 util-linux)');
      continue;
    }
    const took = await measure(Number(values.trials), Number(values['warm-ms']), rtt);
    rows.push([
      rtt === 0 ? 'loopback' : `${rtt} ms RTT`,
      fixed(quantile(took, 0.5), 0),
      fixed(quantile(took, 0.95), 0),
      String(took.length),
    ]);
  }
  if (rows.length > 1) console.log(`\n${table(rows)}`);
}
