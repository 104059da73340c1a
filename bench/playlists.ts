/** `npm run bench -- playlists`: how many HLS playlists a second a media node answers. Each viewer asks each second, with a token. */
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
  const grants = { rooms: [ROOM], publish: false };
  const tokens = await Promise.all(
    Array.from({ length: Number(values.viewers) }, (_, i) => stack.keys.token(`viewer-${i}`, grants)),
  );
  const once = { url, tokens: tokens.slice(0, 1), atOnce: 1, seconds: 0.5 };
  for (let tries = 0; !(await load(once)).statuses['200']; tries++) if (tries > 60) throw new Error('no playlist came');
  const rows = [['at once', 'playlists/s', 'ms p50', 'ms p95', 'CPU µs of one', 'bytes', 'others']];
  for (const atOnce of values['at-once'].split(',').map(Number)) {
    // The node is in this process, with services that have nothing to do meanwhile.
    const [cpu, seconds] = [process.cpuUsage(), Number(values.seconds)];
    const { statuses, ms, bytes } = await load({ url, tokens, atOnce, seconds });
    const { user, system } = process.cpuUsage(cpu);
    const { 200: good = 0, ...others } = statuses;
    rows.push([
      ...[String(atOnce), fixed(good / seconds, 0), fixed(quantile(ms, 0.5), 1), fixed(quantile(ms, 0.95), 1)],
      ...[fixed((user + system) / good, 0), fixed(bytes / good, 0), JSON.stringify(others)],
    ]);
  }
  console.log(`${availableParallelism()} cores, load ${fixed(loadavg()[0] ?? 0, 1)}\n\n${table(rows)}`);
}
