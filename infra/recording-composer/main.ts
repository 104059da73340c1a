/**
 * `node infra/recording-composer/main.ts` makes files of the recordings that are over: tracks, and one film of all. Needs ffmpeg and janus-pp-rec.
 * Any number of them may run at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@tandem/service';
import { type ComposedDocument, openRecordingStore, type RecordingStore } from '@tandem/service/recordings';
import { embeddedMetrics } from '../node-kit/metrics.ts';
import { claimRecording } from './src/claim.ts';
import { composeRecording, GrownError, LostClaimError } from './src/compose.ts';
import { ComposerConfig } from './src/config.ts';
import { findWork, SILENT_MS, type Waiting } from './src/find-work.ts';
import { composerMetrics } from './src/metrics.ts';
import { DAY_MS, removeAbandoned, removeOld } from './src/retention.ts';

const say = (event: string, more: Record<string, unknown> = {}) => console.log(JSON.stringify({ event, ...more }));
/** How soon it looks again at what has ended and is still passed on, ms. */
const SOON_MS = 5000;
/** One that failed is left alone for this time, ms: it may be large, and what it lacks is rarely there at once. */
const AGAIN_MS = 600_000;
/** How often it looks for what is kept no longer, ms. */
const RETENTION_MS = 3600_000;

/** @returns whether a recording failed that is to be tried again @throws when the store is away */
async function run(config: ComposerConfig, signal: AbortSignal): Promise<boolean> {
  const { RECORDINGS, EVERY_SECONDS } = config;
  const store = await openRecordingStore(RECORDINGS);
  /** When each of them failed, by prefix. */
  const failed = new Map<string, number>();
  let waitedMs = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  do {
    if (performance.now() - lookedAt > RETENTION_MS) {
      lookedAt = performance.now();
      await removeAbandoned(config.WORK_DIR);
      if (config.KEEP_DAYS !== undefined)
        for (const recording of await removeOld(store, config.KEEP_DAYS * DAY_MS))
          say('composer.removed', { recording });
    }
    const { over, isMoreSoon } = await findWork(store);
    for (const waiting of over) {
      if (signal.aborted) break;
      if (performance.now() - (failed.get(waiting.prefix) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) continue;
      if (await tryOne(config, { store, waiting, signal })) failed.delete(waiting.prefix);
      else failed.set(waiting.prefix, performance.now());
    }
    // One run ends when nothing is left, but not before what brought it here is passed on.
    const isOnce = EVERY_SECONDS === 0;
    if (isOnce && !(isMoreSoon && waitedMs <= SILENT_MS)) break;
    const ms = isOnce ? SOON_MS : EVERY_SECONDS * 1000;
    waitedMs += ms;
    await sleep(ms, undefined, { signal }).catch(() => {});
  } while (!signal.aborted);
  return failed.size > 0;
}

interface Task {
  readonly store: RecordingStore;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
}

/** What goes wrong with one recording must not hold up the others. @returns false: it is to be tried again. Never rejects */
async function tryOne(config: ComposerConfig, task: Task): Promise<boolean> {
  try {
    count(config, await composeOne(config.WORK_DIR, task));
    return true;
  } catch (error) {
    if (task.signal.aborted) return true;
    say('composer.failed', {
      recording: task.waiting.id,
      error: error instanceof Error ? error.message : String(error),
    });
    count(config, { error: 'tried again later' });
    return false;
  }
}

/** A line for each recording: a run that finds nothing is no value. */
function count(
  { METRICS_STACK: stack, METRICS_PART: part }: ComposerConfig,
  made: Pick<ComposedDocument, 'error'> | undefined,
): void {
  if (!stack || !made) return;
  const values = composerMetrics({ failed: made.error !== undefined });
  console.log(embeddedMetrics({ service: 'composer', stack, part }, values));
}

/** @returns undefined while another composer has it */
async function composeOne(
  workDir: string,
  { store, waiting: { id, prefix }, signal: stopped }: Task,
): Promise<ComposedDocument | undefined> {
  await using claim = await claimRecording(store, prefix);
  if (!claim) return undefined;
  const signal = AbortSignal.any([stopped, claim.signal]);
  try {
    return await composeRecording({ store, prefix, id, workDir, signal, say, holds: claim.holds });
  } catch (error) {
    const isGrown = error instanceof GrownError;
    if (!claim.signal.aborted && !isGrown && !(error instanceof LostClaimError)) throw error;
    say(isGrown ? 'composer.grown' : 'composer.lost', { recording: id });
    return undefined;
  }
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
try {
  if (await run(loadConfig(ComposerConfig), stop.signal)) process.exitCode = 1;
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
