/** The secrets that this node takes, from Secrets Manager or the environment. */
import { AWS_LIMITS, parseTurnSecret } from '@tandem/service';
import { readList } from '@tandem/service/settings';
import type { TurnNodeConfig } from './config.ts';

/** Reads the secrets anew at each call. `signal` ends the wait for them. @throws Error that never holds a secret */
export type SecretSource = (signal: AbortSignal) => Promise<string[]>;

export function secretSource(config: TurnNodeConfig): SecretSource {
  const id = config.TURN_SECRET_ID;
  if (!id) {
    const fixed = readList(config.TURN_SECRETS);
    if (fixed.length === 0)
      throw new Error('TURN_SECRETS: neither it nor TURN_SECRET_ID is set. Fix: the secret of auth');
    return async () => fixed;
  }
  return async (abortSignal) => {
    const sdk = await import('@aws-sdk/client-secrets-manager');
    const client = new sdk.SecretsManagerClient({
      ...AWS_LIMITS,
      ...(config.AWS_REGION ? { region: config.AWS_REGION } : {}),
    });
    const { SecretString } = await client.send(new sdk.GetSecretValueCommand({ SecretId: id }), { abortSignal });
    return [...parseTurnSecret(SecretString ?? '').accepted];
  };
}
