import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { AwsPlace } from './environment.ts';
import type { CacheAccess } from './session-cache.ts';

/** The cache's credentials as ECS reads them when a task starts. */
export function cachePlace(cache: CacheAccess | undefined): AwsPlace['secrets'] {
  return cache?.secret
    ? {
        'cache-username': ecs.Secret.fromSecretsManager(cache.secret, 'username'),
        'cache-password': ecs.Secret.fromSecretsManager(cache.secret, 'password'),
      }
    : {};
}
