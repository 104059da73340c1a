import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** `props` without the properties that are undefined: spread over defaults, they would take the place of one. */
export function given<T extends object>(props: T | undefined): T {
  return Object.fromEntries(Object.entries(props ?? {}).filter(([, value]) => value !== undefined)) as T;
}

/** Sizes of a topology whose user says nothing else. @param zones of the VPC */
export function topologyDefaults(profile: 'development' | 'production', zones: number) {
  return profile === 'production'
    ? {
        removalPolicy: RemovalPolicy.RETAIN,
        cacheShards: 2,
        cache: { replicasPerShard: zones - 1, nodeType: 'cache.m7g.large', snapshotRetentionDays: 1 },
        service: { cpu: 1024, memoryLimitMiB: 2048 },
        hooks: { cpu: 512, memoryLimitMiB: 1024 },
        turnNodes: zones,
        turn: {},
        minHealthy: 2,
      }
    : {
        removalPolicy: RemovalPolicy.DESTROY,
        cacheShards: 1,
        cache: { replicasPerShard: 0, nodeType: 'cache.t4g.micro', snapshotRetentionDays: 0 },
        service: { cpu: 256, memoryLimitMiB: 512 },
        hooks: { cpu: 256, memoryLimitMiB: 512 },
        turnNodes: 1,
        turn: {
          instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
          nodeMbps: 60,
          memoryLimitMiB: 640,
          drainTimeout: Duration.minutes(5),
        },
        minHealthy: 1,
      };
}
