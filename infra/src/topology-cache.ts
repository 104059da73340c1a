import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { HOOKS_ACCESS, SERVICE_ACCESS } from './cache-access.ts';
import { MediaDirectory } from './media-directory.ts';
import { type CacheAccess, SessionCache } from './session-cache.ts';
import type { TopologyContext } from './topology-context.ts';
import { given } from './topology-defaults.ts';
import type { ExistingCache } from './topology-options.ts';
import { TurnDirectory, type TurnDirectoryProps } from './turn-directory.ts';

/** The cache, and a user of it for each part that needs one. */
export function newCacheAccess(context: TopologyContext): {
  cache: SessionCache;
  turnDirectory: TurnDirectory;
  access: ExistingCache;
} {
  const { scope, props } = context;
  const { cachePasswordGeneration: passwordGeneration, mediaNodes, events } = props;
  const cache = newCache(context);
  const user = { cache, passwordGeneration };
  const services = servicesUser(user);
  const turnDirectory = new TurnDirectory(scope, 'TurnDirectory', user);
  const access = {
    services,
    turnNodes: turnDirectory.access,
    ...(mediaNodes ? { mediaNodes: new MediaDirectory(scope, 'MediaDirectory', user).access } : {}),
    ...(events ? { hooks: hooksUser(user) } : {}),
  };
  return { cache, turnDirectory, access };
}

function newCache({ scope, props, defaults, vpc }: TopologyContext): SessionCache {
  return new SessionCache(scope, 'Cache', {
    vpc,
    subnets: {
      subnetType: vpc.isolatedSubnets.length > 0 ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PRIVATE_WITH_EGRESS,
    },
    shards: props.cacheShards ?? defaults.cacheShards,
    ...defaults.cache,
    ...given(props.cacheOptions),
  });
}

function servicesUser({ cache, passwordGeneration }: TurnDirectoryProps): CacheAccess {
  return cache.addUser('Services', { userName: 'tandem', accessString: SERVICE_ACCESS, passwordGeneration });
}

function hooksUser({ cache, passwordGeneration }: TurnDirectoryProps): CacheAccess {
  return cache.addUser('Hooks', { userName: 'hooks', accessString: HOOKS_ACCESS, passwordGeneration });
}
