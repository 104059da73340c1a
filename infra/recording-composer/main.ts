/** `node infra/recording-composer/main.ts` makes files of the recordings that are over: tracks, and one film of all. Needs ffmpeg and janus-pp-rec. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@tandem/service';
import { openRecordingStore } from '@tandem/service/recordings';
import { composeRecording } from './src/compose.ts';
import { ComposerConfig } from './src/config.ts';
import { findWork } from './src/find-work.ts';

const say = (event: string, more: Record<string, unknown> = {}) => console.log(JSON.stringify({ event, ...more }));

async function run({ RECORDINGS, WORK_DIR, EVERY_SECONDS }: ComposerConfig, signal: AbortSignal): Promise<void> {
  const store = await openRecordingStore(RECORDINGS);
  do {
    for (const { roomId, id } of await findWork(store)) {
      if (signal.aborted) return;
      await composeRecording({ store, roomId, id, workDir: WORK_DIR, signal, say });
    }
    await sleep(EVERY_SECONDS * 1000, undefined, { signal }).catch(() => {});
  } while (EVERY_SECONDS > 0 && !signal.aborted);
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
