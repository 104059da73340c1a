/** Who speaks when, by the sound of each person. */
import { runProgram } from './program.ts';

/** Loudness is looked at in steps of this, ms. */
export const STEP_MS = 500;
/** What is softer is no speech, dB of full scale: the threshold of the media node (janus-room.ts). */
const SPEECH_DB = -50;
/** Somebody else is large once they have been the loudest for as many steps: no cough, no "mhm". */
const STEPS = 4;

export interface Voice {
  readonly peerId: string;
  /** ms since the beginning. */
  readonly start: number;
  /** Of each step, dB of full scale. */
  readonly levels: readonly number[];
}

/** From here on this person speaks, until the next turn. */
export interface Turn {
  /** ms since the beginning. */
  readonly from: number;
  readonly peerId: string;
}

/** @returns dB of full scale of each step, -Infinity for silence @throws Error when ffmpeg cannot read it */
export async function loudnessOf(path: string, signal: AbortSignal): Promise<number[]> {
  const filters = [
    'aresample=48000:async=1000:first_pts=0',
    `asetnsamples=n=${48 * STEP_MS}`,
    'astats=metadata=1:reset=1',
    'ametadata=print:key=lavfi.astats.Overall.RMS_level:file=-',
  ];
  const quiet = ['-nostdin', '-v', 'error'];
  const printed = await runProgram('ffmpeg', [...quiet, '-i', path, '-af', filters.join(), '-f', 'null', '-'], signal);
  return [...printed.matchAll(/RMS_level=(\S+)/g)].map(([, level]) => Number.parseFloat(level ?? '')).map(silentIfNone);
}

/** ffmpeg says `-inf` and `nan`. */
const silentIfNone = (level: number) => (Number.isFinite(level) ? level : Number.NEGATIVE_INFINITY);

/** The first turn is that of the first voice, however short: until then there is no speaker. */
export function turnsOf(voices: readonly Voice[], length: number): Turn[] {
  const turns: Turn[] = [];
  let next: { readonly peerId: string; readonly from: number; steps: number } | undefined;
  for (let at = 0; at < length; at += STEP_MS) {
    const loudest = loudestAt(voices, at);
    const current = turns.at(-1)?.peerId;
    if (loudest === undefined || loudest === current) {
      next = undefined;
      continue;
    }
    if (next?.peerId === loudest) next.steps++;
    else next = { peerId: loudest, from: at, steps: 1 };
    if (current !== undefined && next.steps < STEPS) continue;
    turns.push({ from: next.from, peerId: loudest });
    next = undefined;
  }
  return turns;
}

function loudestAt(voices: readonly Voice[], at: number): string | undefined {
  const heard = voices.map(({ peerId, start, levels }) => {
    const level = at < start ? undefined : levels[Math.floor((at - start) / STEP_MS)];
    return { peerId, level: level ?? Number.NEGATIVE_INFINITY };
  });
  const [first] = heard.filter(({ level }) => level >= SPEECH_DB).sort((a, b) => b.level - a.level);
  return first?.peerId;
}
