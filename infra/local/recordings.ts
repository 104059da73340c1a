/** Recordings of `npm start`: where they are kept, and the composer that makes files of them. */
import { resolve } from 'node:path';
import type { ComposerConfig } from '../recording-composer/src/config.ts';
import { findProgram } from './programs.ts';

/** How often the composer looks. In the cloud S3 tells when a recording has ended. */
const EVERY_SECONDS = 5;

export interface LocalRecordings {
  /** RECORDINGS of every part that has it. */
  readonly place: string;
  /** What the client of a bucket needs of the environment; nothing for a folder. */
  readonly env: Readonly<Record<string, string>>;
  /** KEEP_DAYS of the composer. */
  readonly keepDays?: string;
  /** Programs that the composer lacks: then there is none. */
  readonly lacks: readonly string[];
}

/** @param env RECORDINGS: a folder, or `s3://BUCKET` with the variables of the AWS SDK; unset or empty: nothing is recorded. KEEP_DAYS: for how long */
export function findRecordings(
  env: Readonly<Record<string, string | undefined>> = process.env,
  path?: string,
): LocalRecordings | undefined {
  const { RECORDINGS } = env;
  if (!RECORDINGS) return undefined;
  const isBucket = RECORDINGS.includes('://');
  const given = Object.entries(env).flatMap(([name, value]) =>
    isBucket && name.startsWith('AWS_') && value ? [[name, value]] : [],
  );
  return {
    place: isBucket ? RECORDINGS : resolve(RECORDINGS),
    env: Object.fromEntries(given),
    ...(env.KEEP_DAYS ? { keepDays: env.KEEP_DAYS } : {}),
    lacks: ['ffmpeg', 'janus-pp-rec'].filter((name) => !findProgram(name, path)),
  };
}

/** What a plan with these recordings leaves out, one line each. */
export function leavesOut({ lacks }: LocalRecordings, hasMedia: boolean): string[] {
  if (!hasMedia) return ['recordings need a media node: nothing is recorded'];
  if (lacks.length === 0) return [];
  return [`${lacks.join(' and ')} not installed: what is recorded waits, and no film is made of it`];
}

/** What this machine adds to the topology's settings. */
export function composerSettings(scratch: string, { keepDays }: Pick<LocalRecordings, 'keepDays'> = {}) {
  return {
    WORK_DIR: scratch,
    EVERY_SECONDS: `${EVERY_SECONDS}`,
    ...(keepDays === undefined ? {} : { KEEP_DAYS: keepDays }),
  } satisfies Partial<Record<keyof ComposerConfig, string>>;
}
