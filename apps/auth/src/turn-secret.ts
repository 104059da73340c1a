/** The secret that signs TURN credentials: fixed by TURN_SECRETS, or followed through its rotations in Secrets Manager. */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AWS_LIMITS, guard, type Logger, parseTurnSecret, regionOfArn, TURN_SECRET_REFRESH_MS } from '@tandem/service';

export interface TurnSigner extends Disposable {
  /** What signs now; undefined where there is no relay. */
  secret(): string | undefined;
  /** Read it now; a failure keeps the present one. */
  refresh(): Promise<void>;
}

export interface TurnSignerOptions {
  readonly log: Logger;
  /** Default: a client of the secret's region. */
  readonly client?: SecretsManagerClient | undefined;
  /** How often the secret is read, ms. Default 60,000. */
  readonly refreshMs?: number;
}

/** @param secret what TURN_SECRETS names first, or undefined where there is no relay */
export function fixedTurnSigner(secret: string | undefined): TurnSigner {
  return { secret: () => secret, refresh: async () => {}, [Symbol.dispose]: () => {} };
}

/**
 * Read once at the start, a rotated secret would be refused by every relay after two rotations: the task that signs with it may run for
 * months.
 * @param id ARN or name of the secret
 * @throws Error that holds no secret, when the first read fails: without it there is no relay
 */
export async function followTurnSecret(id: string, options: TurnSignerOptions): Promise<TurnSigner> {
  const { log } = options;
  // The SDK loads only where it is used: it costs 100 ms of start-up.
  const sdk = await import('@aws-sdk/client-secrets-manager');
  const region = regionOfArn(id);
  const client = options.client ?? new sdk.SecretsManagerClient({ ...AWS_LIMITS, ...(region ? { region } : {}) });
  const guarded = guard({ name: 'TURN secret', attempts: 1, timeoutMs: 15_000, log });
  const read = () =>
    guarded.run(async () => {
      const { SecretString } = await client.send(new sdk.GetSecretValueCommand({ SecretId: id }));
      return parseTurnSecret(SecretString ?? '').sign;
    });
  let secret = await read();
  const refresh = async () => {
    try {
      const next = await read();
      if (next !== secret) log.info({ event: 'turn.secret_changed' }, 'another TURN secret signs now');
      secret = next;
    } catch (error) {
      // What signed before stays accepted for a whole rotation.
      log.warn({ event: 'turn.secret_failed', err: error }, 'the TURN secret cannot be read; the present one goes on');
    }
  };
  const timer = setInterval(() => void refresh(), options.refreshMs ?? TURN_SECRET_REFRESH_MS);
  timer.unref();
  return { secret: () => secret, refresh, [Symbol.dispose]: () => clearInterval(timer) };
}
