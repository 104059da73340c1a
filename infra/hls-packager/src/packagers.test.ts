/** The packager with real ffmpeg: the folder's other side is the media node's own. */
import { mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { beginPackaging, makeRoom, openShared } from '../../media-node/src/hls/packager-folder.ts';
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

/** What a camera sends. */
async function camera(port: number) {
  const program = await startProgram({
    command: 'ffmpeg',
    args: [
      ...['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10'],
      ...['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '5'],
      ...['-payload_type', '96', '-f', 'rtp', `rtp://127.0.0.1:${port}`],
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
