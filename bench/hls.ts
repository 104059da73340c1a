/** `npm run bench -- hls`: what a room costs the packager of a media node. Its ffmpeg, fed with VP8 and Opus over loopback by another one. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuNs } from './lib/cpu.ts';
import { fixed, table } from './lib/stats.ts';

export const summary = 'HLS of a room: CPU of its ffmpeg, bits of a segment, time to the first playlist';

/** A drawn picture that moves, with a keyframe a second, since nobody asks this source for one. */
const source = (size: string, ports: { readonly audio: number; readonly video: number }) => [
  ...['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`],
  ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
  ...['-map', '0:v', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1500k', '-g', '30'],
  ...['-payload_type', '96', '-f', 'rtp', `rtp://127.0.0.1:${ports.video}`],
  ...[
    '-map',
    '1:a',
    '-c:a',
    'libopus',
    '-ac',
    '2',
    '-payload_type',
    '111',
    '-f',
    'rtp',
    `rtp://127.0.0.1:${ports.audio}`,
  ],
];

async function measure(size: string, seconds: number): Promise<string[]> {
  const { packagerArguments } = await import('../infra/hls-packager/src/ffmpeg.ts');
  const { PART_SECONDS } = await import('../infra/hls-packager/src/hls-times.ts');
  const { DESCRIPTION, PLAYLIST } = await import('../infra/hls-packager/src/shared-folder.ts');
  const { forwardPorts, sessionDescription } = await import('../infra/media-node/src/hls/session-description.ts');
  const { startProgram } = await import('../infra/node-kit/child-process.ts');
  const { mkdtempDisposable } = await import('node:fs/promises');
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bench-hls-'));
  const ports = await forwardPorts();
  const what = { hasAudio: true, videoCodec: 'vp8' } as const;
  await writeFile(join(folder.path, DESCRIPTION), sessionDescription(what, ports));
  const onLine = (line: string) => console.error(line);
  await using packager = await startProgram({ command: 'ffmpeg', args: packagerArguments(folder.path, what), onLine });
  await using _source = await startProgram({ command: 'ffmpeg', args: source(size, ports), onLine: () => {} });
  const began = performance.now();
  const playlist = () => readFile(join(folder.path, PLAYLIST), 'utf8').catch(() => undefined);
  while ((await playlist()) === undefined) {
    if (performance.now() - began > 60_000) throw new Error('no playlist in 60 s');
    await sleep(50);
  }
  const first = performance.now() - began;
  await sleep(3000);
  // By the second of picture, since on a busy machine the source may fall behind the clock.
  const made = async () => Number(/(\d+)\.m4s\s*$/.exec((await playlist()) ?? '')?.[1] ?? 0) * PART_SECONDS;
  const [before, from] = [cpuNs(packager.pid), await made()];
  for (let waited = 0; (await made()) < from + seconds; waited++) {
    if (waited > seconds * 40) throw new Error('no more parts come');
    await sleep(100);
  }
  const core = ((cpuNs(packager.pid) - before) / 1e9 / ((await made()) - from)) * 100;
  const memory = /^VmHWM:\s*(\d+) kB/m.exec(await readFile(`/proc/${packager.pid}/status`, 'utf8'))?.[1];
  const names = (await readdir(folder.path)).filter((name) => /^\d+\.m4s$/.test(name));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder.path, name))).size));
  const mbit = (sizes.reduce((sum, one) => sum + one, 0) * 8) / (sizes.length * PART_SECONDS) / 1e6;
  return [size, fixed(core, 0), fixed(Number(memory) / 1024, 0), fixed(mbit, 2), fixed(first, 0)];
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { seconds: { type: 'string', default: '15' } } });
  const rows: string[][] = [];
  for (const size of ['640x360', '1280x720']) rows.push(await measure(size, Number(values.seconds)));
  console.log(
    table([
      [
        ...['picture sent', '% of a core (CPU of a second of picture)', 'MiB of memory at most'],
        ...['Mbit/s made', 'ms to the first playlist'],
      ],
      ...rows,
    ]),
  );
}
