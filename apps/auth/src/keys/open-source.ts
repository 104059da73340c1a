/** KEY_SOURCE, made into a source. */
import { AWS_LIMITS, ConfigError, type Logger } from '@tandem/service';
import type { AuthConfig } from '../config.ts';
import { fileSource } from './file.ts';
import type { Timetable } from './key-document.ts';
import type { KeySource } from './key-source.ts';

/** AWS clients to use in place of new ones (tests point them at a local endpoint). */
export interface AwsClients {
  readonly kms?: import('@aws-sdk/client-kms').KMSClient;
  readonly secretsManager?: import('@aws-sdk/client-secrets-manager').SecretsManagerClient;
}

export function timetableOf(config: AuthConfig): Timetable {
  return {
    algorithm: config.KEY_ALGORITHM,
    rotateEveryMs: config.KEY_ROTATION_DAYS * 86_400_000,
    publishAheadMs: config.KEY_PUBLISH_AHEAD_SECONDS * 1000,
    // The longest token, the skew of verifiers, and the time until every process has stopped signing with it.
    retireAfterMs: (config.ACCESS_TTL_SECONDS + 120 + 60) * 1000,
  };
}

/** @throws ConfigError */
export async function openKeySource(config: AuthConfig, log: Logger, aws: AwsClients = {}): Promise<KeySource> {
  const wrong = new ConfigError('KEY_SOURCE: expected file:PATH, secrets-manager:ARN or kms:KEY_ID');
  const spec = config.KEY_SOURCE ?? '';
  const at = spec.indexOf(':');
  const kind = spec.slice(0, at);
  const rest = spec.slice(at + 1);
  if (at < 0 || rest === '') {
    if (config.PROFILE === 'development' && spec === '')
      return fileSource('.data/auth-keys.json', timetableOf(config), true);
    throw wrong;
  }
  // The SDKs load only where they are used: they cost 200 ms of start-up.
  if (kind === 'file') return fileSource(rest, timetableOf(config), config.PROFILE === 'development');
  if (kind === 'kms') {
    const { kmsSource } = await import('./kms.ts');
    const { KMSClient } = await import('@aws-sdk/client-kms');
    return kmsSource(
      rest
        .split(',')
        .map((id) => id.trim())
        .filter(Boolean),
      aws.kms ?? new KMSClient(AWS_LIMITS),
      log,
    );
  }
  if (kind === 'secrets-manager') {
    const { secretsManagerSource } = await import('./secrets-manager.ts');
    const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
    return secretsManagerSource(rest, aws.secretsManager ?? new SecretsManagerClient(AWS_LIMITS), timetableOf(config));
  }
  throw wrong;
}
