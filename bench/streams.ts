/** `npm run bench -- streams`: how late a stream is, and what its viewers cost. Real Janus, Chromium, and viewers without decoders. */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Size } from '../infra/media-node/src/testing/rtp-camera.ts';
import { measureDelays } from './lib/clock-page.ts';
import { cpuNs } from './lib/cpu.ts';
import { fixed, quantile, table } from './lib/stats.ts';

export const summary = 'a stream by WHIP and WHEP: glass to glass beside a direct pair, and CPU per viewer';

/** Goals of the issue: ms from the encoder's canvas to the viewer's screen, and how much of it may be the node's. */
const GOAL = { ms: 300, moreThanDirect: 100 };

const SIZES: readonly Size[] = ['low', 'mid', 'high'];

const verdict = (isMet: boolean) => (isMet ? 'met' : 'MISSED');
const stackModule = () => import('../test/support/media-stack.ts');

async function delays(seconds: number): Promise<void> {
  const [{ startMediaStack }, { launchBrowser }] = await Promise.all([
    stackModule(),
    import('../test/support/browser.ts'),
  ]);
  await using stack = await startMediaStack({ from: 9 });
  const node = await stack.mediaNode('m1', 36_000);
  const browser = await launchBrowser();
  try {
    const page = await (await browser.newContext()).newPage();
    const origin = `http://127.0.0.1:${node.httpPort}`;
    await page.goto(`${origin}/health/live`);
    const token = await stack.keys.token('clock');
    const {
      direct,
      node: through,
      firstPicture,
    } = await page.evaluate(measureDelays, {
      ...{ origin, room: 'clock', token },
      ...{ warmUpSeconds: 4, seconds },
    });
    if (direct.length < seconds || through.length < seconds) throw new Error('hardly a frame could be read');
    const row = (name: string, ms: readonly number[]) => [
      name,
      String(ms.length),
      ...[0.5, 0.95].map((share) => fixed(quantile(ms, share), 0)),
    ];
    console.log(
      table([['way', 'frames read', 'ms p50', 'ms p95'], row('direct pair', direct), row('WHIP, node, WHEP', through)]),
    );
    const [own, of] = [quantile(through, 0.5), quantile(direct, 0.5)];
    console.log(
      `\nglass to glass ${fixed(own, 0)} ms (goal ${GOAL.ms}: ${verdict(own <= GOAL.ms)}), ${fixed(own - of, 0)} ms more than direct ` +
        `(goal ${GOAL.moreThanDirect}: ${verdict(own - of <= GOAL.moreThanDirect)}); a viewer's first picture after ${fixed(firstPicture, 0)} ms\n`,
    );
  } finally {
    await browser.close();
  }
}

interface Crowd {
  readonly counts: readonly number[];
  readonly seconds: number;
  /** What the encoder sends at most. */
  readonly largest: Size;
}

/** Viewers that are opened at the same time. */
const AT_ONCE = 8;

async function viewersCost({ counts, seconds, largest }: Crowd): Promise<string[][]> {
  const [{ startMediaStack, enginePids }, { publishBy, watch }, { RtpCamera }, { ownAddress }] = await Promise.all([
    stackModule(),
    import('../test/support/stream-client.ts'),
    import('../infra/media-node/src/testing/rtp-camera.ts'),
    import('../test/support/media-peer.ts'),
  ]);
  await using stack = await startMediaStack({ from: 9, node: { MAX_VIEWERS: Math.max(...counts) } });
  const node = await stack.mediaNode('m1', 37_000);
  const origin = `http://127.0.0.1:${node.httpPort}`;
  const camera = new RtpCamera('camera', ownAddress);
  camera.speaks = true;
  camera.sizes = new Set(SIZES.slice(0, SIZES.indexOf(largest) + 1));
  const encoder = await publishBy(`${origin}/whip/crowd`, await stack.keys.token('camera'), camera);
  const viewers: Awaited<ReturnType<typeof watch>>[] = [];
  const rows: string[][] = [];
  let opened = 0;
  const openOne = async () => {
    // A login each, as people have: one login has few sessions.
    const token = await stack.keys.token(`viewer-${opened++}`, { publish: false });
    viewers.push(await watchPatiently(() => watch(`${origin}/whep/crowd`, token)));
  };
  for (const count of counts) {
    while (viewers.length < count)
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - viewers.length) }, openOne));
    // A browser asks for a keyframe when it begins; these viewers decode nothing. Without one the largest size is never begun.
    camera.keyframeRequests++;
    await sleep(3000);
    const bytes = () => viewers.map(({ peer }) => peer.bytes);
    const cpu = () => enginePids(node).reduce((sum, pid) => sum + cpuNs(pid), 0);
    const [before, arrived, sent, at] = [cpu(), bytes(), camera.sentLargest, performance.now()];
    await sleep(seconds * 1000);
    const elapsed = (performance.now() - at) / 1000;
    const got = bytes().map((all, i) => all - (arrived[i] ?? 0));
    const [ms, mbit] = [(cpu() - before) / 1e6, (got.reduce((sum, one) => sum + one, 0) * 8) / 1e6];
    const expected = camera.sentLargest - sent;
    const core = ms / elapsed / 10;
    rows.push([
      String(count),
      String(viewers.filter(({ peer }) => peer.state === 'connected').length),
      String(got.filter((one) => one > expected / 2).length),
      fixed(mbit / elapsed, 1),
      fixed(ms / mbit),
      fixed(core, 1),
      fixed(core / count),
      fixed(100 * (1 - (mbit * 1e6) / 8 / (expected * count)), 1),
    ]);
  }
  for (const one of [...viewers, encoder]) one.close();
  return rows;
}

/** The encoder's first packets may not be there yet. */
async function watchPatiently<T>(watch: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++)
    try {
      return await watch();
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(200);
    }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '15' },
      viewers: { type: 'string', default: '1,10,50,100' },
      largest: { type: 'string', default: 'high' },
      only: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  if (values.only !== 'viewers') await delays(seconds);
  if (values.only !== 'delay') {
    const largest = SIZES.find((size) => size === values.largest);
    if (!largest) throw new Error(`--largest: one of ${SIZES.join(', ')}`);
    const rows = await viewersCost({ counts: values.viewers.split(',').map(Number), seconds, largest });
    console.log(
      `${availableParallelism()} cores, load ${fixed(loadavg()[0] ?? 0, 1)}; all viewers receive the largest size (${largest})\n`,
    );
    const columns = [
      'viewers',
      'connected',
      'receive',
      'Mbit/s out',
      'ms CPU per Mbit',
      '% of a core',
      '% of a core per viewer',
      'lost %',
    ];
    console.log(table([columns, ...rows]));
  }
  // The library of the peers keeps the process alive: its threads end here.
  (await import('node-datachannel')).cleanup();
}
