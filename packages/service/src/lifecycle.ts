/** Start, signals, and an end that always comes. */
import type { Logger } from './log.ts';

/**
 * Run a service until SIGTERM or SIGINT, then dispose of it; a second signal or the deadline ends the process at once.
 * A failed start logs one clear line and exits with 1.
 * @param start builds and starts the whole service
 * @param deadlineMs how long the disposal may take. Default 110,000 (ECS kills after 120 s).
 * @param leaves resolves when the service is to end although no signal came yet; asked once it is up. Default: never.
 */
export async function runService(
  log: Logger,
  start: () => Promise<AsyncDisposable>,
  deadlineMs = 110_000,
  leaves?: () => Promise<void>,
): Promise<void> {
  let service: AsyncDisposable;
  try {
    service = await start();
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    setTimeout(() => process.exit(1), 200).unref();
    return;
  }
  let isEnding = false;
  const end = async (why: string) => {
    if (isEnding) return;
    isEnding = true;
    log.info({ event: 'shutdown.begin', signal: why }, 'shutting down');
    setTimeout(() => {
      log.error({ event: 'shutdown.deadline' }, 'drain deadline passed');
      process.exit(1);
    }, deadlineMs).unref();
    await service[Symbol.asyncDispose]();
    log.info({ event: 'shutdown.end' }, 'bye');
    process.exit(0);
  };
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(1);
      void end(signal);
    });
  void leaves?.().then(() => end('leaves'));
}
