/** Refuses what ElastiCache would refuse at deploy time, or later. */
import { Token } from 'aws-cdk-lib';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';
import type { SessionCacheProps } from './session-cache-props.ts';

export interface CheckedCache {
  readonly shards: number;
  readonly replicas: number;
  readonly nodeType: string;
  readonly version: string;
  /** Of the version. */
  readonly major: string;
}

/** @returns the properties with their defaults. @throws Error that names the property and the fix */
export function checkCacheProps(props: SessionCacheProps): CheckedCache {
  checkProps('SessionCache', 'SessionCacheProps', props);
  const size = checkSize(props);
  const nodeType = checkNodeType(props.nodeType ?? 'cache.m7g.large');
  const version = props.engineVersion ?? '8.0';
  const major = /^([78])\.\d+$/.exec(version)?.[1];
  check(major !== undefined, 'SessionCache', 'engineVersion', `"${version}" is no Valkey version`, "'8.0' or '7.2'");
  check(
    props.subnets !== undefined || props.vpc.isolatedSubnets.length > 0,
    'SessionCache',
    'subnets',
    'the VPC has no isolated subnets',
    'name others, such as { subnetType: SubnetType.PRIVATE_WITH_EGRESS }',
  );
  return { ...size, nodeType, version, major: major ?? '' };
}

function checkSize(props: SessionCacheProps): Pick<CheckedCache, 'shards' | 'replicas'> {
  const shards = props.shards ?? 2;
  const replicas = props.replicasPerShard ?? 2;
  for (const name of ['shards', 'replicasPerShard'] as const)
    check(
      !Token.isUnresolved(props[name]),
      'SessionCache',
      name,
      'it is known only when deployed, and the alarms name each node',
      'a plain number',
    );
  checkInteger('SessionCache', 'shards', shards, 1, 500);
  checkInteger('SessionCache', 'replicasPerShard', replicas, 0, 5);
  checkInteger('SessionCache', 'snapshotRetentionDays', props.snapshotRetentionDays, 0, 35);
  check(
    shards * (1 + replicas) <= 500,
    'SessionCache',
    'shards',
    `${shards} shards of ${1 + replicas} nodes are more than ElastiCache's 500 nodes a cluster`,
    'fewer shards of a larger nodeType',
  );
  return { shards, replicas };
}

function checkNodeType(nodeType: string): string {
  check(
    Token.isUnresolved(nodeType) || /^cache\.[a-z0-9]+\.[a-z0-9]+$/.test(nodeType),
    'SessionCache',
    'nodeType',
    `"${nodeType}" is not a cache node type`,
    'name one such as cache.m7g.large',
  );
  // ElastiCache API reference, "CacheNode": of the previous generation no new clusters are made; the guide, "Supported node types", adds T2.
  check(
    !/^cache\.(t[12]|m[123]|c1|r3)\./.test(nodeType),
    'SessionCache',
    'nodeType',
    `${nodeType} is of a generation of which ElastiCache makes no new clusters`,
    'a present one, such as cache.t4g.micro or cache.m7g.large',
  );
  return nodeType;
}
