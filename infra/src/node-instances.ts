import { Duration, Stack } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { NODE_MACHINE_IMAGE } from './base-images.ts';
import { groupArn, groupArnReason } from './group-arn.ts';
import { nodeHealthUnit } from './node-health-unit.ts';
import { nodeSignalUnit } from './node-signal-unit.ts';
import { type ScheduledSize, scheduleInstances, smallestSize } from './scheduled-size.ts';

/**
 * How long a node may wait for its calls when an update of the service stops it, s: at most three waves of an update (half of the
 * fleet at a time) fit the three hours after which CloudFormation gives up. An instance that leaves waits the whole drainTimeout.
 */
export function updateDrainSeconds(drainTimeout: Duration): number {
  return Math.min(drainTimeout.toSeconds(), 3300);
}
/** The agent of ECS kills a container that still runs this long after the node should have ended by itself, s. */
export const STOP_MARGIN_SECONDS = 60;

/** The lifecycle hook in which a node waits for its calls. */
export const DRAIN_HOOK = 'drain';

export interface NodeInstances {
  /** Name of the node's container, whose health says that an instance serves. */
  readonly container: string;
  /** Of the instances' role. */
  readonly description: string;
  readonly vpc: ec2.IVpc;
  readonly cluster: ecs.ICluster;
  readonly securityGroup: ec2.ISecurityGroup;
  readonly instanceType: ec2.InstanceType;
  /** The host's own connections use ports from 10,240 to the one before this: the rest is for media. */
  readonly firstMediaPort: number;
  /** Shell commands at the first boot, besides those that every node needs. */
  readonly commands: readonly string[];
  readonly machineImage: ec2.IMachineImage | undefined;
  /** Whether Session Manager may open a shell. */
  readonly remoteShell: boolean;
  readonly minNodes: number;
  readonly maxNodes: number;
  readonly schedules: readonly ScheduledSize[];
  readonly drainTimeout: Duration;
}

/** Instances with public addresses for media, one node each, given time to drain before they end. */
export function nodeInstances(scope: Construct, of: NodeInstances): autoscaling.AutoScalingGroup {
  const role = instanceRole(scope, of);
  const userData = firstBoot(of);
  const group = instanceGroup(scope, of, launchTemplate(scope, of, { role, userData }));
  scheduleInstances(group, of.schedules, of.maxNodes);
  const { stackName, region } = Stack.of(scope);
  const resource = (group.node.defaultChild as autoscaling.CfnAutoScalingGroup).logicalId;
  userData.addCommands(
    ...nodeSignalUnit({ container: of.container, stackName, region, resource }),
    ...nodeHealthUnit({ container: of.container, region }),
  );
  mayGiveUpItself(scope, role, group);
  drainHook(scope, group, of.drainTimeout);
  acknowledge(group, {
    'AwsSolutions-AS3': 'Alarms watch serving nodes and load; each scaling event as mail would hide them.',
  });
  acknowledge(role, {
    'AwsSolutions-IAM5[Resource::*]':
      'The ECS agent registers and polls; those actions know no resources, CDK bounds the rest to the cluster.',
    'AwsSolutions-IAM5[Action::ecs:Submit*]': 'ecs:SubmitTaskStateChange and its two siblings, bounded to the cluster.',
  });
  return group;
}

function instanceRole(scope: Construct, of: NodeInstances): iam.Role {
  const role = new iam.Role(scope, 'InstanceRole', {
    assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    description: of.description,
  });
  if (of.remoteShell) {
    role.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'));
    acknowledge(role, {
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]':
        'The policy that the guide of Session Manager names for its agent.',
    });
  }
  return role;
}

function firstBoot(of: NodeInstances): ec2.UserData {
  const userData = ec2.UserData.forLinux();
  userData.addCommands(
    `cat >> /etc/ecs/ecs.config <<'END'`,
    `ECS_CLUSTER=${of.cluster.clusterName}`,
    // A drained node waits for its calls; the agent must not kill it before.
    `ECS_CONTAINER_STOP_TIMEOUT=${updateDrainSeconds(of.drainTimeout) + STOP_MARGIN_SECONDS}s`,
    'ECS_ENABLE_TASK_IAM_ROLE=true',
    'ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST=true',
    'END',
    // Bursts of media must not be lost in small socket buffers; flows are many and short.
    `cat > /etc/sysctl.d/60-turn.conf <<'END'`,
    'net.core.rmem_max=16777216',
    'net.core.wmem_max=16777216',
    'net.core.netdev_max_backlog=5000',
    `net.ipv4.ip_local_port_range=10240 ${of.firstMediaPort - 1}`,
    'END',
    'sysctl --system',
    ...of.commands,
  );
  return userData;
}

interface TemplateParts {
  readonly role: iam.Role;
  readonly userData: ec2.UserData;
}

function launchTemplate(scope: Construct, of: NodeInstances, { role, userData }: TemplateParts): ec2.LaunchTemplate {
  return new ec2.LaunchTemplate(scope, 'Template', {
    instanceType: of.instanceType,
    machineImage: of.machineImage ?? ec2.MachineImage.fromSsmParameter(NODE_MACHINE_IMAGE),
    role,
    securityGroup: of.securityGroup,
    userData,
    associatePublicIpAddress: true,
    requireImdsv2: true,
    httpPutResponseHopLimit: 1,
    httpTokens: ec2.LaunchTemplateHttpTokens.REQUIRED,
    detailedMonitoring: true,
    blockDevices: [
      {
        deviceName: '/dev/xvda',
        volume: ec2.BlockDeviceVolume.ebs(30, { encrypted: true, volumeType: ec2.EbsDeviceVolumeType.GP3 }),
      },
    ],
  });
}

function instanceGroup(
  scope: Construct,
  of: NodeInstances,
  launchTemplate: ec2.LaunchTemplate,
): autoscaling.AutoScalingGroup {
  const fewest = smallestSize({ schedules: of.schedules, min: of.minNodes, max: of.maxNodes });
  return new autoscaling.AutoScalingGroup(scope, 'Instances', {
    vpc: of.vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    launchTemplate,
    minCapacity: of.minNodes,
    maxCapacity: of.maxNodes,
    updatePolicy: autoscaling.UpdatePolicy.rollingUpdate({
      maxBatchSize: 1,
      minInstancesInService: fewest.min < fewest.max ? fewest.min : fewest.min - 1,
      // The next instance is replaced when this one's node is healthy; one that never is ends the update, and it is rolled back. No creation
      // policy: a group is made before the service that runs the nodes.
      waitOnResourceSignals: true,
      pauseTime: Duration.minutes(30),
      suspendProcesses: [
        // The update replaces and waits by itself.
        autoscaling.ScalingProcess.HEALTH_CHECK,
        autoscaling.ScalingProcess.REPLACE_UNHEALTHY,
        autoscaling.ScalingProcess.AZ_REBALANCE,
        autoscaling.ScalingProcess.ALARM_NOTIFICATION,
        autoscaling.ScalingProcess.SCHEDULED_ACTIONS,
      ],
    }),
    newInstancesProtectedFromScaleIn: false,
    groupMetrics: [autoscaling.GroupMetrics.all()],
    terminationPolicies: [autoscaling.TerminationPolicy.OLDEST_LAUNCH_TEMPLATE, autoscaling.TerminationPolicy.DEFAULT],
  });
}

function drainHook(scope: Construct, group: autoscaling.AutoScalingGroup, drainTimeout: Duration): void {
  // Written as L1: the L2 hook brings a Lambda or topic, and here the node itself answers.
  new autoscaling.CfnLifecycleHook(scope, 'DrainHook', {
    lifecycleHookName: DRAIN_HOOK,
    autoScalingGroupName: group.autoScalingGroupName,
    lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    // The agent renews it each minute; when the agent is dead there is nothing to wait for.
    // It lasts at most 100 times this, whatever is renewed.
    heartbeatTimeout: Math.max(300, Math.ceil(drainTimeout.toSeconds() / 100)),
    defaultResult: 'CONTINUE',
  });
}

/** What the unit of {@link nodeHealthUnit} asks and does, of this group alone. A policy of its own: the group must not wait for it. */
function mayGiveUpItself(scope: Construct, role: iam.Role, group: autoscaling.AutoScalingGroup): void {
  const policy = new iam.Policy(scope, 'HealthPolicy', {
    roles: [role],
    statements: [
      new iam.PolicyStatement({ actions: ['autoscaling:SetInstanceHealth'], resources: [groupArn(group)] }),
      // Service Authorization Reference, EC2 Auto Scaling: reads know no resources.
      new iam.PolicyStatement({
        actions: [
          'autoscaling:DescribeAutoScalingInstances',
          'autoscaling:DescribeAutoScalingGroups',
          'autoscaling:DescribeScalingActivities',
        ],
        resources: ['*'],
      }),
    ],
  });
  acknowledge(policy, {
    'AwsSolutions-IAM5[Resource::*]': 'Reads of Auto Scaling, which know no resources.',
    ...groupArnReason(group),
  });
}
