/** Sends commands to Redis, tells whether it answers, and turns every form of "it does not" into {@link UnavailableError}. */
import { HealthRecord, type RedisClient } from '@tandem/service';
import { CommandBatcher } from './command-batcher.ts';
import { runScript, type ScriptName } from './scripts.ts';
import { UnavailableError } from './types.ts';

/** Replies of a server that cannot serve now, though the command is right. */
const SERVER_UNAVAILABLE =
  /^-?(LOADING|READONLY|MISCONF|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|NOREPLICAS|OOM|MOVED|ASK|UNKILLABLE|BUSY|WRONGPASS|NOAUTH|NOPERM|NOSCRIPT)/;

export class RedisCommands {
  readonly client: RedisClient;
  readonly #batcher: CommandBatcher;
  readonly health = new HealthRecord('down', 'not reached yet');
  readonly #onFault: (error: Error) => void;
  #closed = false;

  /** @param onFault told of a command that Redis finds faulty, without what was in it */
  constructor(client: RedisClient, onFault: (error: Error) => void) {
    this.client = client;
    this.#onFault = onFault;
    // Errors reach callers through their commands; without a listener they would end the process.
    client.on('error', () => {});
    this.#batcher = new CommandBatcher(client);
  }

  /** Runs a script; it may wait for others, to leave with them. @throws UnavailableError */
  run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.guard(() => {
      this.#batcher.hold();
      return runScript(this.client, name, keys, args);
    });
  }

  /** Sends what waits for others now. */
  flush(): void {
    this.#batcher.send();
  }

  /**
   * Runs a command. What Redis finds faulty is reported as an error, and is unavailable to the caller as well: what the store did not take is
   * written again then, and one key or one lagging ACL ends neither the node nor its health. @throws UnavailableError
   */
  async guard<T>(command: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new UnavailableError('the backplane is closed');
    try {
      const result = await command();
      if (this.health.state !== 'up') this.health.become('up');
      return result;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof Error && error.name === 'ReplyError' && !SERVER_UNAVAILABLE.test(message)) {
        // ioredis keeps the arguments there, and a log of the error would hold them.
        delete (error as { command?: unknown }).command;
        this.#onFault(error);
        throw new UnavailableError(message, { dependency: 'redis', cause: error });
      }
      this.health.become('down', message);
      throw new UnavailableError(message, { dependency: 'redis', cause: error });
    }
  }

  close(): void {
    this.#closed = true;
    this.client.disconnect();
  }
}
