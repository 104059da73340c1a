/** What an hour of a recorded room costs: requests while it is recorded, the composer after it, and storage for as long as it is kept. */
import { assumption as a, LIST } from './assumption.ts';
import { fargateTask, PRICES } from './costs.ts';

export const RECORDING = {
  composeCpu: a(
    0.3,
    's of CPU a second and person',
    'the film of two people of 8 s took 4.8 s on 2 cores of an AMD EPYC, of nine 9.1 s, 1 December 2026; taken as proportional to people, which is too much: one film is encoded',
  ),
  mbpsOfTracks: a(2, 'Mbit/s a person', 'assumption: the largest size of a camera, and sound'),
  mbpsOfFilm: a(1.56, 'Mbit/s', 'settings of ffmpeg in infra/recording-composer/src/film.ts'),
  secondsPerPart: a(20, 's', 'RECORDING_PART_SECONDS; two files a person'),
  composerTask: a(fargateTask(2, 4), '$/h', `2 vCPU and 4 GB on ARM; ${LIST}`),
  storage: a(0.023, '$/GB and month', `S3 Standard, the first 50 TB; ${LIST}`),
  writes: a(0.005, '$/1,000', `PUT of S3 Standard; ${LIST}`),
} as const;

/** Processors of a composer. */
const PROCESSORS = 2;

export interface RecordedHour {
  /** Tracks and film. */
  readonly gigabytes: number;
  readonly composerHours: number;
  /** $, once. */
  readonly composer: number;
  /** $, once. */
  readonly writes: number;
  /** $ a month. */
  readonly storage: number;
  /** $ each time somebody fetches the film. */
  readonly download: number;
}

/** @param people who send sound and picture for one hour */
export function recordedHour(people: number): RecordedHour {
  const gigabytesOf = (mbps: number) => (mbps / 8) * 3.6;
  const gigabytes = gigabytesOf(people * RECORDING.mbpsOfTracks.value + RECORDING.mbpsOfFilm.value);
  const composerHours = (people * RECORDING.composeCpu.value) / PROCESSORS;
  // Two files a person and the list of who is who.
  const parts = (3600 / RECORDING.secondsPerPart.value) * (2 * people + 1);
  return {
    gigabytes,
    composerHours,
    composer: composerHours * RECORDING.composerTask.value,
    writes: (parts / 1000) * RECORDING.writes.value,
    storage: gigabytes * RECORDING.storage.value,
    download: gigabytesOf(RECORDING.mbpsOfFilm.value) * PRICES.egressFirst10Tb.value,
  };
}

/** The section of docs/capacity.md. */
export function recordingsSection(sizes: readonly number[] = [2, 6, 12, 25]): string {
  const all = sizes.map(recordedHour);
  const row = (name: string, of: (one: RecordedHour) => string) => `| ${name} | ${all.map(of).join(' | ')} |`;
  const dollars = (value: number) => `$${value.toFixed(3)}`;
  return [
    'With `recordings: true` ([recordings](recordings.md)), for each hour of a recorded room; the bill above has none of this. A room that is recorded is on a',
    'media node, whatever its size: see large rooms. Where nothing is recorded nothing runs, and the key costs $1 a month.',
    '',
    `| people in the room | ${sizes.join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    row('GB, tracks and film', (one) => one.gigabytes.toFixed(1)),
    row('composer, hours of a task', (one) => one.composerHours.toFixed(1)),
    row('composer, once', (one) => dollars(one.composer)),
    row('writing, once', (one) => dollars(one.writes)),
    row('storage, each month', (one) => dollars(one.storage)),
    row('each download of the film', (one) => dollars(one.download)),
    '',
    'The lever is `recordingsOptions.retention`, which is for ever where it is not set: storage is more than the composer after a few months.',
  ].join('\n');
}
