import type { RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';

/** Properties of `SessionCache`. */
export interface SessionCacheProps {
  /** Where. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of the cache.
   * @default - isolated subnets
   */
  readonly subnets?: ec2.SubnetSelection;
  /**
   * Shards. Sharded publish/subscribe spreads over them.
   * @default 2
   */
  readonly shards?: number;
  /**
   * Replicas of each shard, placed in other zones than the primary. 0 has no failover: development only.
   * @default 2
   */
  readonly replicasPerShard?: number;
  /**
   * Node type.
   * @default 'cache.m7g.large'
   */
  readonly nodeType?: string;
  /**
   * Valkey version.
   * @default '8.0'
   */
  readonly engineVersion?: string;
  /**
   * Daily snapshots kept, days. The cache holds live state only (rooms, sessions): a snapshot is for looking into, not for restoring.
   * @default 1
   */
  readonly snapshotRetentionDays?: number;
  /**
   * Key for encryption at rest.
   * @default - the key that ElastiCache owns
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * What happens to the cache when the stack goes.
   * @default RemovalPolicy.DESTROY - the state is live sessions only
   */
  readonly removalPolicy?: RemovalPolicy;
}
