/**
 * `node infra/recording-composer/main.ts` makes files of the recordings that are over: tracks, and one film of all. Needs ffmpeg and janus-pp-rec.
 * Any number of them may run at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@tandem/service';
import { type ComposedDocument, openRecordingStore, type RecordingStore } from '@tandem/service/recordings';
import { embeddedMetrics } from '../node-kit/metrics.ts';
import { claimRecording } from './src/claim.ts';
import { composeRecording } from './src/compose.ts';
import { ComposerConfig } from './src/config.ts';
import { findWork, SILENT_MS, type Waiting } from './src/find-work.ts';
import { composerMetrics } from './src/metrics.ts';
import { DAY_MS, removeOld } from './src/retention.ts';

const say = (event: string, more: Record<string, unknown> = {}) => console.log(JSON.stringify({ event, ...more }));
/** How soon it looks again at what has ended and is still passed on, ms. */
const SOON_MS = 5000;
/** How often it looks for what is kept no longer, ms. */
const RETENTION_MS = 3600_000;

async function run(config: ComposerConfig, signal: AbortSignal): Promise<void> {
  const { RECORDINGS, WORK_DIR, EVERY_SECONDS } = config;
  const store = await openRecordingStore(RECORDINGS);
  let waitedMs = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  do {
    if (config.KEEP_DAYS !== undefined && performance.now() - lookedAt > RETENTION_MS) {
      lookedAt = performance.now();
      for (const recording of await removeOld(store, config.KEEP_DAYS * DAY_MS)) say('composer.removed', { recording });
    }
    const { over, isMoreSoon } = await findWork(store);
    for (const waiting of over) if (!signal.aborted) count(config, await composeOne(store, waiting, WORK_DIR, signal));
    // One run ends when nothing is left, but not before what brought it here is passed on.
    const isOnce = EVERY_SECONDS === 0;
    if (isOnce && !(isMoreSoon && waitedMs <= SILENT_MS)) return;
    const ms = isOnce ? SOON_MS : EVERY_SECONDS * 1000;
    waitedMs += ms;
    await sleep(ms, undefined, { signal }).catch(() => {});
  } while (!signal.aborted);
}

/** A line for each recording: a run that finds nothing is no value. */
function count({ METRICS_STACK: stack, METRICS_PART: part }: ComposerConfig, made: ComposedDocument | undefined): void {
  if (!stack || !made) return;
  const values = composerMetrics({ failed: made.error !== undefined });
  console.log(embeddedMetrics({ service: 'composer', stack, part }, values));
}

async function composeOne(
  store: RecordingStore,
  { id, prefix }: Waiting,
  workDir: string,
  stopped: AbortSignal,
): Promise<ComposedDocument | undefined> {
  await using claim = await claimRecording(store, prefix);
  if (!claim) return undefined;
  const signal = AbortSignal.any([stopped, claim.signal]);
  try {
    return await composeRecording({ store, prefix, id, workDir, signal, say, holds: claim.holds });
  } catch (error) {
    if (!claim.signal.aborted) throw error;
    say('composer.lost', { recording: id });
    return undefined;
  }
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
try {
  await run(loadConfig(ComposerConfig), stop.signal);
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
