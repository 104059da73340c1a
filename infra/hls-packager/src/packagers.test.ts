/** The packager with real ffmpeg: the folder's other side is the media node's own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  beginPackaging,
  endShared,
  makeRoom,
  openShared,
  showAlive,
} from '../../media-node/src/hls/packager-folder.ts';
import { forwardPorts, sessionDescription } from '../../media-node/src/hls/session-description.ts';
import { startProgram } from '../../node-kit/child-process.ts';
import { runPackagers } from './packagers.ts';

const patience = { timeout: 30_000, interval: 100 };
const ID = 'room-of-twenty-four-sign';

/** Begins to look; what was said is in the list. */
function packager(folder: string) {
  const said: string[] = [];
  const stop = new AbortController();
  const over = runPackagers({
    folder,
    say: (event, more) => said.push(`${event} ${JSON.stringify(more ?? {})}`),
    signal: stop.signal,
  });
  const end = async () => {
    stop.abort();
    await over;
  };
  onTestFinished(end);
  return { said, end };
}

/** What a camera sends. @param keyframes frames from one to the next */
async function camera(port: number, keyframes = 5) {
  const program = await startProgram({
    command: 'ffmpeg',
    args: [
      ...['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10'],
      ...['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', `${keyframes}`],
      ...['-payload_type', '96', '-f', 'rtp', `rtp://127.0.0.1:${port}`],
    ],
    onLine: () => {},
  });
  onTestFinished(() => program[Symbol.asyncDispose]());
}

/** A tone. */
async function microphone(port: number) {
  const program = await startProgram({
    command: 'ffmpeg',
    args: [
      ...['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
      ...['-c:a', 'libopus', '-ac', '2', '-payload_type', '111', '-f', 'rtp', `rtp://127.0.0.1:${port}`],
    ],
    onLine: () => {},
  });
  onTestFinished(() => program[Symbol.asyncDispose]());
}

async function shared() {
  const parent = await mkdtempDisposable(join(tmpdir(), 'packager-'));
  onTestFinished(() => parent[Symbol.asyncDispose]());
  const folder = join(parent.path, 'hls');
  return { folder, room: join(folder, ID) };
}

test('W-13 the packager makes HLS while the description is there, ends the playlist without it, and begins no room anew', async () => {
  const { folder, room } = await shared();
  // It may be there before the node is.
  const { said } = packager(folder);
  await openShared(folder);
  await makeRoom(room);
  const ports = await forwardPorts();
  await camera(ports.video);
  const read = (name: string) => readFile(join(room, name), 'utf8').catch(() => '');
  {
    await using _packaging = await beginPackaging(
      room,
      sessionDescription({ hasAudio: false, videoCodec: 'vp8' }, ports),
    );
    await vi.waitFor(async () => expect(await read('live.m3u8')).toContain('1.m4s'), patience);
    expect(await read('live.m3u8')).not.toContain('#EXT-X-ENDLIST');
  }
  expect(await read('live.m3u8')).toContain('#EXT-X-ENDLIST');
  expect((await readdir(room)).filter((name) => !name.endsWith('.m4s')).sort()).toEqual(['init.mp4', 'live.m3u8']);
  // It joins between two keyframes, and says so.
  expect(said.filter((line) => !line.startsWith('packager.line'))).toEqual(['packager.begun {"sound":false}']);
});

/** The program receives there. */
const listens = (port: number) =>
  vi.waitFor(() => {
    const local = port.toString(16).toUpperCase().padStart(4, '0');
    expect(readFileSync('/proc/net/udp', 'utf8')).toContain(`:${local} `);
  }, patience);

test.for([{ hasAudio: false }, { hasAudio: true }])(
  'W-13 the first keyframe that comes is the first picture, with sound before it ($hasAudio)',
  async ({ hasAudio }) => {
    const { folder, room } = await shared();
    packager(folder);
    await openShared(folder);
    await makeRoom(room);
    const ports = await forwardPorts();
    const description = sessionDescription({ hasAudio, videoCodec: 'vp8' }, ports);
    await using _packaging = await beginPackaging(room, description);
    await listens(ports.video);
    if (hasAudio) await microphone(ports.audio);
    // Its next keyframe is a minute away.
    await camera(ports.video, 600);
    const list = () => readFile(join(room, 'live.m3u8'), 'utf8').catch(() => '');
    await vi.waitFor(async () => expect(await list()).toContain('\n3.m4s'), patience);
  },
);

test.for([
  { what: 'a picture alone', order: ['picture'] },
  { what: 'sound, then a picture', order: ['sound', 'picture'] },
  { what: 'a picture, then sound', order: ['picture', 'sound'] },
] as const)(
  'W-13 of $what each second part begins with a keyframe, and all are of the same length',
  async ({ order }) => {
    const { folder, room } = await shared();
    packager(folder);
    await openShared(folder);
    await makeRoom(room);
    const ports = await forwardPorts();
    const begin = { picture: () => camera(ports.video), sound: () => microphone(ports.audio) };
    const hasAudio = order.length === 2;
    const description = sessionDescription({ hasAudio, videoCodec: 'vp8' }, ports);
    await using _packaging = await beginPackaging(room, description);
    for (const kind of order) {
      await begin[kind as keyof typeof begin]();
      // The second one begins in the middle of what the first one makes.
      await sleep(700);
    }
    const read = (name: string) => readFile(join(room, name));
    const list = async () => String(await read('live.m3u8').catch(() => ''));
    await vi.waitFor(async () => expect(await list()).toContain('\n5.m4s'), patience);
    expect(new Set((await list()).match(/#EXTINF:.*/g))).toEqual(new Set(['#EXTINF:0.500000,']));
    const head = await read('init.mp4');
    const first = (part: Buffer) => {
      const args = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=flags', '-of', 'csv=p=0', '-'];
      return String(execFileSync('ffprobe', args, { input: Buffer.concat([head, part]) }))
        .trim()
        .split('\n');
    };
    for (let part = 0; part < 6; part++) {
      const frames = first(await read(`${part}.m4s`));
      expect([frames.length, frames[0]?.startsWith('K')], `part ${part}`).toEqual([15, part % 2 === 0]);
    }
  },
);

test('W-13 a description that ffmpeg does not take ends with the reason', async () => {
  const { folder, room } = await shared();
  await openShared(folder);
  const { said } = packager(folder);
  await makeRoom(room);
  await using packaging = await beginPackaging(room, 'no description\r\n');
  expect(await packaging.ended).toMatch(/^ffmpeg ended with \d+$/);
  expect(said.join('\n')).toContain('packager.line');
});

test('W-13 a packager that starts again ends what another began, as segments never change; other names are nothing to it', async () => {
  const { folder, room } = await shared();
  await openShared(folder);
  await makeRoom(room);
  await mkdir(join(folder, 'other'));
  await writeFile(join(folder, 'other', 'in.sdp'), 'no description\r\n');
  const ports = await forwardPorts();
  await using packaging = await beginPackaging(room, sessionDescription({ hasAudio: false, videoCodec: 'vp8' }, ports));
  const { said, end } = packager(folder);
  expect(await packaging.ended).toBe('the packager began anew');
  await end();
  expect(said).toEqual([]);
  expect(await readdir(join(folder, 'other'))).toEqual(['in.sdp']);
  await rm(folder, { recursive: true });
});

/** The program itself, with all of its signals, when it looks into the folder: what it finds there at its start it ends. */
async function runProgram(folder: string): Promise<ChildProcess & AsyncDisposable> {
  const before = join(folder, 'room-of-before-its-begin');
  await makeRoom(before);
  await writeFile(join(before, 'in.sdp'), '');
  const program = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: { PATH: process.env.PATH, HLS_DIR: folder },
    stdio: 'inherit',
  });
  const ended = once(program, 'exit');
  const kill = async () => {
    program.kill('SIGKILL');
    await ended;
  };
  await vi.waitFor(async () => expect(await readdir(before)).toContain('ended'), patience);
  await rm(before, { recursive: true });
  return Object.assign(program, { [Symbol.asyncDispose]: kill });
}

test('W-13 a packager that is stopped with its node goes on while the node drains, and ends with the last room', async () => {
  const { folder, room } = await shared();
  await openShared(folder);
  await showAlive(folder);
  const living = setInterval(() => void showAlive(folder), 1000);
  onTestFinished(() => clearInterval(living));
  await makeRoom(room);
  await using program = await runProgram(folder);
  const ports = await forwardPorts();
  await camera(ports.video);
  const last = async () =>
    Number(/(\d+)\.m4s\s*$/.exec(await readFile(join(room, 'live.m3u8'), 'utf8').catch(() => ''))?.[1]);
  {
    await using _packaging = await beginPackaging(
      room,
      sessionDescription({ hasAudio: false, videoCodec: 'vp8' }, ports),
    );
    await vi.waitFor(async () => expect(await last()).toBeGreaterThan(0), patience);
    program.kill('SIGTERM');
    const stopped = await last();
    await vi.waitFor(async () => expect(await last()).toBeGreaterThan(stopped + 2), patience);
    expect(program.exitCode).toBeNull();
  }
  await vi.waitFor(() => expect(program.exitCode).toBe(0), patience);
});

test.each([
  ['has ended', (folder: string) => endShared(folder)],
  ['is silent', (folder: string) => utimes(join(folder, 'alive'), new Date(0), new Date(0))],
])('W-13 a packager that is stopped waits for no node that %s', async (_how, gone) => {
  const { folder, room } = await shared();
  await openShared(folder);
  await makeRoom(room);
  await using program = await runProgram(folder);
  const ports = await forwardPorts();
  await camera(ports.video);
  // A node that is killed leaves its descriptions.
  const left = await beginPackaging(room, sessionDescription({ hasAudio: false, videoCodec: 'vp8' }, ports));
  onTestFinished(() => left[Symbol.asyncDispose]());
  await vi.waitFor(async () => expect(await readdir(room)).toContain('live.m3u8'), patience);
  await showAlive(folder);
  await gone(folder);
  program.kill('SIGTERM');
  await vi.waitFor(() => expect(program.exitCode).toBe(0), patience);
});
