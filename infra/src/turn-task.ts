import type { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import type { TurnNodeConfig } from '../turn-node/src/config.ts';
import { containerEnvironment } from './environment.ts';
import { updateDrainSeconds } from './node-instances.ts';
import { nodeMemoryMiB } from './node-memory.ts';
import { nodeTask } from './node-task.ts';
import { cachePlace } from './place.ts';
import { TURN_FLEET, type TurnFleetProps } from './turn-fleet-props.ts';

/** Memory that coturn and its agent must have, MiB. */
const RESERVED_MIB = 512;

export interface TurnTask {
  readonly group: autoscaling.AutoScalingGroup;
  readonly secret: secretsmanager.ISecret;
  readonly nodeMbps: number;
  readonly drainTimeout: Duration;
}

/** What runs on each instance: coturn and its agent, on the host's network. */
export function turnTask(scope: Construct, props: TurnFleetProps, of: TurnTask): ecs.Ec2TaskDefinition {
  const part = topology.turn;
  const described = containerEnvironment(part, {
    from: { 'cache-url': props.directory?.url, 'turn-secret-id': of.secret.secretArn },
    secrets: props.directory ? cachePlace(props.directory) : {},
  });
  const settings: Partial<Record<keyof TurnNodeConfig, string>> = {
    NODE_MBPS: String(of.nodeMbps),
    MAX_BYTES_PER_SECOND: String(props.maxBytesPerSecond ?? 375_000),
    USER_QUOTA: String(props.userQuota ?? 36),
    TOTAL_QUOTA: String(props.totalQuota ?? 4000),
    DRAIN_SECONDS: String(of.drainTimeout.toSeconds()),
    STOP_DRAIN_SECONDS: String(updateDrainSeconds(of.drainTimeout)),
    ...(props.realm ? { TURN_REALM: props.realm } : {}),
    ...(props.certificate ? { READY_PORT: String(part.readyPort) } : {}),
    ...(props.turnHost ? { TURN_HOST: props.turnHost, TURN_TLS_PORT: '443' } : {}),
  };
  const { task, container } = nodeTask(scope, {
    name: 'turn',
    group: of.group,
    image: props.image,
    cpu: 512,
    memoryReservationMiB: RESERVED_MIB,
    memoryLimitMiB: nodeMemoryMiB(props, TURN_FLEET, { standard: 1536, reserved: RESERVED_MIB }),
    logRetention: props.logRetention,
    environment: { ...described.environment, ...settings },
    secrets: described.secrets,
    healthProgram: part.healthProgram,
  });
  container.addPortMappings({ containerPort: part.port, protocol: ecs.Protocol.TCP });
  of.secret.grantRead(task.taskRole);
  return task;
}
