/** The secrets that this node takes, from Secrets Manager or the environment. */
import type { TurnNodeConfig } from './config.ts';

/** What the secret holds (infra/src/turn-secret.ts). */
export interface TurnSecretValue {
  readonly sign: string;
  readonly accept?: readonly string[];
}

/** Reads the secrets anew at each call. @throws Error that never holds a secret */
export type SecretSource = () => Promise<string[]>;

export function secretSource(config: TurnNodeConfig): SecretSource {
  const id = config.TURN_SECRET_ID;
  if (!id) {
    const fixed = config.TURN_SECRETS.split(',').filter(Boolean);
    if (fixed.length === 0) throw new Error('TURN_SECRET_ID: neither it nor TURN_SECRETS is set');
    return async () => fixed;
  }
  return async () => {
    const sdk = await import('@aws-sdk/client-secrets-manager');
    const client = new sdk.SecretsManagerClient(config.AWS_REGION ? { region: config.AWS_REGION } : {});
    const { SecretString } = await client.send(new sdk.GetSecretValueCommand({ SecretId: id }));
    return acceptedSecrets(SecretString ?? '');
  };
}

/** @throws Error when the text is not the expected JSON; the text itself is not in the message */
export function acceptedSecrets(text: string): string[] {
  let value: TurnSecretValue;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('TURN secret: not JSON with `sign` and `accept`');
  }
  if (!value?.sign) throw new Error('TURN secret: no `sign`');
  return [...new Set([value.sign, ...(value.accept ?? [])])].filter((one) => one.length >= 8);
}
