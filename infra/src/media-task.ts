import type { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { MediaNodeConfig } from '../media-node/src/config.ts';
import { topology } from '../topology/index.ts';
import { containerEnvironment } from './environment.ts';
import { MEDIA_FLEET, type MediaFleetProps } from './media-fleet-props.ts';
import { nodeMemoryMiB } from './node-memory.ts';
import { nodeTask } from './node-task.ts';
import { addPackager, packagerMiB } from './packager-container.ts';
import { cachePlace } from './place.ts';

/** Memory that the engine and its agent must have, MiB. */
const RESERVED_MIB = 1024;

export interface MediaTask {
  readonly group: autoscaling.AutoScalingGroup;
  readonly secret: secretsmanager.ISecret;
  readonly drainTimeout: Duration;
}

/** What runs on each instance: the media engine and its agent, on the host's network. */
export function mediaTask(scope: Construct, props: MediaFleetProps, of: MediaTask): ecs.Ec2TaskDefinition {
  const described = containerEnvironment(topology.media, {
    from: {
      'cache-url': props.directory.url,
      'signaling-url': props.signalingUrl,
      'auth-url': props.authUrl,
      'trusted-proxies': String(props.trustedProxies ?? 2),
      recordings: props.recordings?.place,
    },
    secrets: { ...cachePlace(props.directory), 'media-secret': ecs.Secret.fromSecretsManager(of.secret) },
  });
  const settings: Partial<Record<keyof MediaNodeConfig, string>> = {
    DRAIN_SECONDS: String(of.drainTimeout.toSeconds()),
    ...(props.nodeMbps === undefined ? {} : { NODE_MBPS: String(props.nodeMbps) }),
    ...(props.maxLegs === undefined ? {} : { MAX_LEGS: String(props.maxLegs) }),
    ...(props.packagers ? { MAX_PACKAGERS: String(props.packagers) } : {}),
    ...(props.maxPublishers === undefined ? {} : { MAX_PUBLISHERS: String(props.maxPublishers) }),
  };
  const { task, container } = nodeTask(scope, {
    name: 'media',
    group: of.group,
    image: props.image,
    cpu: 1024,
    memoryReservationMiB: RESERVED_MIB,
    memoryLimitMiB: nodeMemoryMiB(props, MEDIA_FLEET, {
      standard: 3072,
      reserved: RESERVED_MIB,
      beside: props.packagers ? packagerMiB(props.packagers) : 0,
    }),
    logRetention: props.logRetention,
    environment: { ...described.environment, ...settings },
    secrets: described.secrets,
    healthProgram: topology.media.healthProgram,
  });
  // On the host's network the port is the host's; without the mapping no target group takes the container.
  container.addPortMappings({ containerPort: topology.media.port });
  if (props.packagers) addPackager(scope, props, { task, media: container, packagers: props.packagers });
  return task;
}
