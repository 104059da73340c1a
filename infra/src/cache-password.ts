import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/**
 * A generated password of a cache user: JSON with `username` and `password`. The construct's id holds the generation, so the next deployment keeps
 * the secret, and its text, as it is.
 */
export function cachePassword(
  scope: Construct,
  id: string,
  userName: string,
  generation: number,
): secretsmanager.Secret {
  const secret = new secretsmanager.Secret(scope, generation === 1 ? `${id}Secret` : `${id}Secret${generation}`, {
    description: generation === 1 ? `Cache user ${userName}` : `Cache user ${userName}, password ${generation}`,
    generateSecretString: {
      secretStringTemplate: JSON.stringify({ username: userName }),
      generateStringKey: 'password',
      excludePunctuation: true,
      passwordLength: 48,
    },
  });
  acknowledge(secret, {
    'AwsSolutions-SMG4':
      'ElastiCache reads the password when the user changes and ECS when a task starts: passwordGeneration rotates it, see docs/deployment-and-testing.md.',
  });
  return secret;
}
