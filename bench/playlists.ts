/** `npm run bench -- playlists`: how many HLS playlists a second a media node answers, each with a token, and how many viewers it lets wait for theirs, each twice a second. */
import { spawn } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { PlaylistAnswers, PlaylistLoad } from './lib/playlist-load.ts';
import { fixed, quantile, table } from './lib/stats.ts';

export const summary = 'HLS playlists a second of a media node, each with a token, and CPU of one';

const ROOM = 'playlists';

/** In a process of its own, whose CPU is not counted. */
async function load(what: PlaylistLoad): Promise<PlaylistAnswers> {
  const program = fileURLToPath(new URL('./lib/playlist-load.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(what));
  return (await json(child.stdout)) as PlaylistAnswers;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '10' },
      'at-once': { type: 'string', default: '1,10,50' },
      viewers: { type: 'string', default: '500' },
      held: { type: 'string', default: '500,1000,1500' },
    },
  });
  const [{ startMediaStack }, { startSdkBrowser }] = await Promise.all([
    import('../test/support/media-stack.ts'),
    import('../test/sdk/harness.ts'),
  ]);
  await using stack = await startMediaStack({ from: 2, node: { MAX_PACKAGERS: 1 } });
  const node = await stack.mediaNode('m1', 38_000);
  await using browser = await startSdkBrowser();
  for (const [name, media] of [
    ['ada', 'canvas'],
    ['eve', 'none'],
  ] as const) {
    const page = await browser.page();
    const audience = media === 'none';
    const token = await stack.keys.token(name, audience ? { publish: false } : {});
    const who = { url: stack.url, token, roomId: ROOM, name, media, audience };
    await page.evaluate((o) => globalThis.harness.start(o), who as never);
  }
  const url = `http://127.0.0.1:${node.httpPort}/whep/${ROOM}/hls/live.m3u8`;
  const held = values.held.split(',').map(Number);
  const grants = { rooms: [ROOM], publish: false };
  const tokens = await Promise.all(
    Array.from({ length: Math.max(Number(values.viewers), ...held) }, (_, i) =>
      stack.keys.token(`viewer-${i}`, grants),
    ),
  );
  const once = { url, tokens: tokens.slice(0, 1), atOnce: 1, seconds: 0.5 };
  for (let tries = 0; !(await load(once)).statuses['200']; tries++) if (tries > 60) throw new Error('no playlist came');
  const measure = async (what: Pick<PlaylistLoad, 'atOnce' | 'isHeld'>) => {
    // The node is in this process, with services that have nothing to do meanwhile.
    const [cpu, seconds] = [process.cpuUsage(), Number(values.seconds)];
    const { statuses, ms, bytes } = await load({ url, tokens, seconds, ...what });
    const { user, system } = process.cpuUsage(cpu);
    const { 200: good = 0, ...others } = statuses;
    return [
      ...[String(what.atOnce), fixed(good / seconds, 0), fixed(quantile(ms, 0.5), 1), fixed(quantile(ms, 0.95), 1)],
      ...[fixed((user + system) / good, 0), fixed(bytes / good, 0), fixed(process.memoryUsage.rss() / 2 ** 20, 0)],
      JSON.stringify(others),
    ];
  };
  const columns = ['playlists/s', 'ms p50', 'ms p95', 'CPU µs of one', 'bytes', 'MiB of memory', 'others'];
  const atOnce = [['at once', ...columns]];
  for (const count of values['at-once'].split(',').map(Number)) atOnce.push(await measure({ atOnce: count }));
  // The times are those that they wait for their part, of half a second.
  const waiting = [['viewers that wait', ...columns]];
  for (const count of held) waiting.push(await measure({ atOnce: count, isHeld: true }));
  console.log(
    `${availableParallelism()} cores, load ${fixed(loadavg()[0] ?? 0, 1)}\n\n${table(atOnce)}\n\n${table(waiting)}`,
  );
}
