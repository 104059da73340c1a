/** `npm run bench -- streams`: how late a stream is, and what its viewers cost. Real Janus, Chromium, and viewers without decoders. */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Size } from '../infra/media-node/src/testing/rtp-camera.ts';
import { startClockPage } from './lib/clock.ts';
import { cpuNs } from './lib/cpu.ts';
import { fixed, quantile, table } from './lib/stats.ts';

export const summary = 'a stream by WHIP and WHEP: glass to glass beside a direct pair, and CPU per viewer';

/** Goals of the issue: ms from the encoder's canvas to the viewer's screen, and how much of it may be the node's; by HLS that of decision 27. */
const GOAL = { ms: 300, moreThanDirect: 100, hlsMs: 3000 };

const SIZES: readonly Size[] = ['low', 'mid', 'high'];

const verdict = (isMet: boolean) => (isMet ? 'met' : 'MISSED');

const row = (name: string, ms: readonly number[]) => [
  name,
  String(ms.length),
  ...[0.5, 0.95].map((share) => fixed(quantile(ms, share), 0)),
];

async function delays(seconds: number): Promise<void> {
  await using clock = await startClockPage();
  const times = { warmUpSeconds: 4, seconds };
  const { direct, node: through, firstPicture } = await clock.measure('measureDelays', times);
  if (direct.length < seconds || through.length < seconds) throw new Error('hardly a frame could be read');
  console.log(
    table([['way', 'frames read', 'ms p50', 'ms p95'], row('direct pair', direct), row('WHIP, node, WHEP', through)]),
  );
  const [own, of] = [quantile(through, 0.5), quantile(direct, 0.5)];
  console.log(
    `\nglass to glass ${fixed(own, 0)} ms (goal ${GOAL.ms}: ${verdict(own <= GOAL.ms)}), ${fixed(own - of, 0)} ms more than direct ` +
      `(goal ${GOAL.moreThanDirect}: ${verdict(own - of <= GOAL.moreThanDirect)}); a viewer's first picture after ${fixed(firstPicture, 0)} ms\n`,
  );
}

async function hlsDelay(seconds: number): Promise<void> {
  await using clock = await startClockPage({ MAX_PACKAGERS: 1 });
  const { hls, said, firstPicture, stalls, playlists, media } = await clock.measure('measureHls', {
    ...{ warmUpSeconds: 15, seconds },
  });
  if (hls.length < seconds) throw new Error('hardly a frame could be read');
  console.log(table([['way', 'frames read', 'ms p50', 'ms p95'], row('WHIP, node, packager, HLS', hls)]));
  const ms = quantile(hls, 0.5);
  console.log(
    `\nglass to glass ${fixed(ms, 0)} ms (goal ${GOAL.hlsMs}: ${verdict(ms <= GOAL.hlsMs)}), the player says ${fixed(said, 0)}; first picture after ` +
      `${fixed(firstPicture, 0)} ms; ${stalls} stops in ${seconds} s; a second ${fixed(playlists / seconds)} playlists and ${fixed(media / seconds)} parts or segments\n`,
  );
}

interface Crowd {
  readonly counts: readonly number[];
  readonly seconds: number;
  /** What the encoder sends at most. */
  readonly largest: Size;
  /** Of viewers. */
  readonly processes: number;
}

/** Viewers that are opened at the same time. */
const AT_ONCE = 8;
/** A viewer that got more than this share of what was sent got it whole; what is under way at either end is the rest. */
const WHOLE = 0.98;

async function viewersCost({ counts, seconds, largest, processes }: Crowd): Promise<string[][]> {
  const [{ startMediaStack, enginePids }, { publishBy }, { RtpCamera }, { ownAddress }, { startViewers }] =
    await Promise.all([
      import('../test/support/media-stack.ts'),
      import('../test/support/stream-client.ts'),
      import('../infra/media-node/src/testing/rtp-camera.ts'),
      import('../test/support/media-peer.ts'),
      import('./lib/viewers-process.ts'),
    ]);
  await using kept = new AsyncDisposableStack();
  const stack = kept.use(await startMediaStack({ from: 9, node: { MAX_VIEWERS: Math.max(...counts) } }));
  const node = await stack.mediaNode('m1', 37_000);
  const origin = `http://127.0.0.1:${node.httpPort}`;
  const camera = new RtpCamera('camera', ownAddress);
  camera.speaks = true;
  camera.sizes = new Set(SIZES.slice(0, SIZES.indexOf(largest) + 1));
  const encoder = await publishBy(`${origin}/whip/crowd`, await stack.keys.token('camera'), camera);
  kept.defer(() => encoder.close());
  const crowd = await Promise.all(Array.from({ length: processes }, startViewers));
  for (const one of crowd) kept.use(one);
  const rows: string[][] = [];
  let opened = 0;
  const openOne = async () => {
    // A login each, as people have: one login has few sessions.
    const viewer = opened++;
    const token = await stack.keys.token(`viewer-${viewer}`, { publish: false });
    await crowd[viewer % processes]?.open(`${origin}/whep/crowd`, token);
  };
  const cpu = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + cpuNs(pid), 0) / 1e6;
  for (const count of counts) {
    while (opened < count) await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, openOne));
    // A browser asks for a keyframe when it begins; these viewers decode nothing. Without one the largest size is never begun.
    camera.keyframeRequests++;
    await sleep(3000);
    const look = async () => ({
      ...{ engines: cpu(enginePids(node)), viewers: cpu(crowd.map(({ pid }) => pid)) },
      ...{ sent: camera.sentLargest, at: performance.now() },
      received: await Promise.all(crowd.map((one) => one.received())),
    });
    const before = await look();
    await sleep(seconds * 1000);
    const after = await look();
    const elapsed = (after.at - before.at) / 1000;
    const bytes = ({ received }: typeof after) => received.flatMap((one) => one.bytes);
    const got = bytes(after).map((all, i) => all - (bytes(before)[i] ?? 0));
    const mbit = (got.reduce((sum, one) => sum + one, 0) * 8) / 1e6;
    const [ms, expected] = [after.engines - before.engines, after.sent - before.sent];
    rows.push([
      String(count),
      String(after.received.reduce((sum, { connected }) => sum + connected, 0)),
      String(got.filter((one) => one > expected / 2).length),
      String(got.filter((one) => one > expected * WHOLE).length),
      fixed(mbit / elapsed, 1),
      fixed(ms / mbit),
      fixed(ms / elapsed / 10, 1),
      fixed(ms / elapsed / 10 / count),
      fixed((after.viewers - before.viewers) / elapsed / 10, 0),
      fixed(100 * (1 - (mbit * 1e6) / 8 / (expected * count)), 1),
    ]);
  }
  return rows;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '15' },
      viewers: { type: 'string', default: '1,10,50,100' },
      largest: { type: 'string', default: 'high' },
      processes: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  const isDue = (part: string) => values.only === undefined || values.only === part;
  if (isDue('delay')) await delays(seconds);
  if (isDue('hls')) await hlsDelay(seconds);
  if (isDue('viewers')) {
    const largest = SIZES.find((size) => size === values.largest);
    if (!largest) throw new Error(`--largest: one of ${SIZES.join(', ')}`);
    const counts = values.viewers.split(',').map(Number);
    const rows = await viewersCost({ counts, seconds, largest, processes: Number(values.processes) });
    console.log(
      `${availableParallelism()} cores, load ${fixed(loadavg()[0] ?? 0, 1)}; all viewers receive the largest size (${largest})\n`,
    );
    const columns = [
      'viewers',
      'connected',
      'receive',
      'whole',
      'Mbit/s out',
      'ms CPU per Mbit',
      '% of a core',
      '% of a core per viewer',
      '% of a core of the viewers',
      'lost %',
    ];
    console.log(table([columns, ...rows]));
  }
  // The library of the peers keeps the process alive: its threads end here.
  (await import('node-datachannel')).cleanup();
}
