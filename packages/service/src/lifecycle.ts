/** Start, signals, and an end that always comes. */
import type { Logger } from './log.ts';

/**
 * Run a service until SIGTERM or SIGINT, then dispose of it; a second signal, one during the start, or the deadline ends the process at once.
 * A failed start logs one clear line and exits with 1. Once it is up, work in the background whose failure no caller takes is logged as an error,
 * and the process goes on: it would cut off everybody for what is one person's. An exception that was thrown outside of a promise ends it.
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
  let signals = 0;
  let end: (why: string) => Promise<void> = async (why) => {
    // The first process of a container would not hear it, come up all the same, and be killed with everybody on it.
    log.info({ event: 'shutdown.begin', signal: why }, 'ended before it was up');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(1);
      void end(signal);
    });
  try {
    service = await start();
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    setTimeout(() => process.exit(1), 200).unref();
    return;
  }
  process.on('unhandledRejection', (reason) =>
    log.error({ event: 'background.failed', err: reason }, 'work in the background failed'),
  );
  let isEnding = false;
  end = async (why: string) => {
    if (isEnding) return;
    isEnding = true;
    log.info({ event: 'shutdown.begin', signal: why }, 'shutting down');
    setTimeout(() => {
      log.error({ event: 'shutdown.deadline' }, 'drain deadline passed');
      process.exit(1);
    }, deadlineMs).unref();
    try {
      await service[Symbol.asyncDispose]();
    } catch (error) {
      log.error({ event: 'shutdown.failed', err: error }, 'the drain failed');
      process.exit(1);
    }
    log.info({ event: 'shutdown.end' }, 'bye');
    process.exit(0);
  };
  void leaves?.().then(() => end('leaves'));
}
