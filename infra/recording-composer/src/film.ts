/** One picture and one sound of all tracks, by ffmpeg. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordingLayout } from '@tandem/service/recordings';
import { HEIGHT, type Scene, scenesOf, speakerFirst, speakerTilesOf, type Tile, tilesOf, WIDTH } from './layout.ts';
import { runProgram } from './program.ts';
import { loudnessOf, type Turn, turnsOf } from './speaker.ts';
import type { Track, Work } from './tracks.ts';

interface Placed {
  readonly track: Track;
  /** ms since the beginning. */
  readonly start: number;
  readonly end: number;
}

const FRAMES_A_SECOND = 25;
const QUIET = ['-nostdin', '-v', 'error', '-y'];
/** Decoders take a picture that changes its size; the graph of filters must not begin anew for it. */
const INPUT = ['-reinit_filter', '0'];
/** One thread: several of libvpx wait for each other in loops, which is twice the CPU, and on a busy machine two to four times as long. */
const VIDEO = [
  '-threads',
  '1',
  '-c:v',
  'libvpx',
  '-deadline',
  'realtime',
  '-cpu-used',
  '8',
  '-b:v',
  '1500k',
  '-pix_fmt',
  'yuv420p',
];
const SOUND = ['-c:a', 'libopus', '-b:a', '64k', '-ar', '48000', '-ac', '2'];
/** Tracks that one ffmpeg mixes; of more, each with its decoder, their mixes are mixed. */
const MOST_SOUNDS = 100;
const seconds = (ms: number) => (ms / 1000).toFixed(3);

export interface FilmOptions {
  /** Of the recording, ms since the epoch. */
  readonly beginning: number;
  /** All pictures alike, or who speaks large and the others beside. */
  readonly layout: RecordingLayout;
  /** Where it is written. */
  readonly path: string;
}

/**
 * @returns its length, ms
 * @throws Error when ffmpeg fails, or nothing was recorded
 */
export async function makeFilm(
  work: Work,
  tracks: readonly Track[],
  { beginning, layout, path }: FilmOptions,
): Promise<number> {
  const placed = tracks.map((track) => {
    const start = Math.max(0, track.startAt - beginning);
    return { track, start, end: start + track.durationMs };
  });
  const length = Math.max(0, ...placed.map(({ end }) => end));
  if (length === 0) throw new Error('nothing was recorded');
  const sounds = placed.filter(({ track }) => track.slot === 'audio');
  const pictures = placed.filter(({ track }) => track.slot !== 'audio');
  const turns = layout === 'speaker' ? await findTurns(sounds, length, work.signal) : [];
  const cuts = turns.map(({ from }) => from);
  const scenes = scenesOf(pictures, length, cuts).map((scene) => placeScene(scene, layout, turns));
  const list: string[] = [];
  for (const [i, scene] of scenes.entries()) {
    const name = `scene-${i}.webm`;
    await runProgram('ffmpeg', sceneArguments(scene, join(work.folder, name)), work.signal);
    list.push(`file ${name}`);
  }
  await writeFile(join(work.folder, 'scenes.txt'), list.join('\n'));
  const sound = join(work.folder, 'sound.opus');
  await mixSound(work, sounds, length, sound);
  const picture = ['-f', 'concat', '-i', join(work.folder, 'scenes.txt')];
  await runProgram(
    'ffmpeg',
    [...QUIET, ...picture, '-i', sound, '-map', '0:v', '-map', '1:a', '-c', 'copy', path],
    work.signal,
  );
  return length;
}

async function findTurns(sounds: readonly Placed[], length: number, signal: AbortSignal): Promise<Turn[]> {
  const voices = [];
  for (const { track, start } of sounds)
    voices.push({ peerId: track.peerId, start, levels: await loudnessOf(track.path, signal) });
  return turnsOf(voices, length);
}

interface PlacedScene extends Scene<Placed> {
  /** One for each that is shown. */
  readonly tiles: readonly Tile[];
}

function placeScene(scene: Scene<Placed>, layout: RecordingLayout, turns: readonly Turn[]): PlacedScene {
  if (layout === 'grid') return { ...scene, tiles: tilesOf(scene.shown.length) };
  const middle = (scene.from + scene.to) / 2;
  const speakers = turns.filter(({ from }) => from <= middle).reverse();
  const inOrder = speakerFirst(
    scene.shown,
    speakers.map(({ peerId }) => peerId),
  );
  const tiles = speakerTilesOf(inOrder.length);
  return { ...scene, shown: inOrder.slice(0, tiles.length), tiles };
}

function sceneArguments({ from, to, shown, tiles }: PlacedScene, path: string): string[] {
  const length = seconds(to - from);
  const inputs = shown.flatMap(({ track, start }) => {
    // From the keyframe before: what was shown last before the scene is what it begins with, however long ago that came.
    return [...INPUT, '-noaccurate_seek', '-ss', seconds(Math.max(0, from - start)), '-i', track.path];
  });
  const graph = [`color=black:s=${WIDTH}x${HEIGHT}:r=${FRAMES_A_SECOND}:d=${length}[p0]`];
  for (const [i, { x, y, width, height }] of tiles.entries()) {
    const fit = `scale=${width}:${height}:force_original_aspect_ratio=decrease:eval=frame`;
    const frame = `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2:eval=frame`;
    // Of frames before the scene `start_time` keeps the last; what begins in the scene is as late as its sound.
    const late = (shown[i]?.start ?? 0) - from;
    const when =
      late > 0
        ? `setpts=PTS-STARTPTS+${seconds(late)}/TB,fps=${FRAMES_A_SECOND}`
        : `fps=${FRAMES_A_SECOND}:start_time=0`;
    graph.push(`[${i}:v]${fit},${frame},setsar=1,${when}[t${i}]`);
    graph.push(`[p${i}][t${i}]overlay=${x}:${y}:eof_action=repeat[p${i + 1}]`);
  }
  return [
    ...QUIET,
    ...inputs,
    '-filter_complex',
    graph.join(';'),
    '-map',
    `[p${shown.length}]`,
    '-t',
    length,
    ...VIDEO,
    path,
  ];
}

async function mixSound(work: Work, sounds: readonly Placed[], length: number, path: string): Promise<void> {
  let left = sounds;
  for (let round = 0; left.length > MOST_SOUNDS; round++) {
    const mixes: Placed[] = [];
    for (let i = 0; i < left.length; i += MOST_SOUNDS) {
      const some = left.slice(i, i + MOST_SOUNDS);
      const mix = join(work.folder, `sounds-${round}-${i}.opus`);
      await runProgram('ffmpeg', soundArguments(some, length, mix), work.signal);
      const track = { ...(some[0] as Placed).track, path: mix, durationMs: length };
      mixes.push({ track, start: 0, end: length });
    }
    left = mixes;
  }
  await runProgram('ffmpeg', soundArguments(left, length, path), work.signal);
}

function soundArguments(sounds: readonly Placed[], length: number, path: string): string[] {
  const inputs = sounds.flatMap(({ track }) => ['-i', track.path]);
  const graph = sounds.map(({ track, start }, i) => {
    const cut = `atrim=end=${seconds(track.durationMs)}`;
    // Sound that was not sent (DTX) is silence, not a gap that is closed.
    return `[${i}:a]aresample=48000:async=1000:first_pts=0,${cut},adelay=${Math.round(start)}:all=1[s${i}]`;
  });
  const all = sounds.map((_, i) => `[s${i}]`).join('');
  const mix = `${all}amix=inputs=${sounds.length}:normalize=0:duration=longest,alimiter=limit=0.95,apad[mix]`;
  const silent = 'anullsrc=r=48000:cl=stereo[mix]';
  const filter = sounds.length === 0 ? silent : [...graph, mix].join(';');
  return [...QUIET, ...inputs, '-filter_complex', filter, '-map', '[mix]', '-t', seconds(length), ...SOUND, path];
}
