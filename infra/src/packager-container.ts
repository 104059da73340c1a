import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { PACKAGER_USER } from '../topology/packager-firewall.ts';
import { CONTAINER_USER } from '../topology/relay-firewall.ts';
import { containerEnvironment } from './environment.ts';
import type { MediaFleetProps } from './media-fleet-props.ts';
import { serviceImage } from './service-image.ts';

/** What a room's segments take, MiB: a dozen of a third of a megabyte, and room for some that are larger. */
const SEGMENTS_MIB = 16;
/** Memory of a room's ffmpeg, MiB: three times what `npm run bench -- hls` printed (87). */
const FFMPEG_MIB = 256;
/** Memory of the agent, MiB. */
const AGENT_MIB = 128;

/** Most memory of the packager for this number of rooms, MiB. */
export const packagerMiB = (packagers: number): number => AGENT_MIB + packagers * (SEGMENTS_MIB + FFMPEG_MIB);

/**
 * A second container beside the media node, on the host's network as well, where its media comes by loopback: a user of its own that the firewall lets
 * send nothing, without secrets, and a folder in memory that is all the two share. It may end without the node.
 */
export function addPackager(
  scope: Construct,
  props: MediaFleetProps,
  of: { readonly task: ecs.Ec2TaskDefinition; readonly media: ecs.ContainerDefinition; readonly packagers: number },
): void {
  const logGroup = new logs.LogGroup(scope, 'PackagerLogs', {
    retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
  });
  const folderMiB = of.packagers * SEGMENTS_MIB;
  of.task.addVolume({
    name: 'hls',
    dockerVolumeConfiguration: {
      scope: ecs.Scope.TASK,
      driver: 'local',
      // An intruder in the packager fills this, and not the instance's disk.
      driverOpts: {
        type: 'tmpfs',
        device: 'tmpfs',
        o: `size=${folderMiB}m,mode=0750,uid=${CONTAINER_USER},gid=${CONTAINER_USER}`,
      },
    },
  });
  const packager = of.task.addContainer('packager', {
    image: props.packagerImage ?? serviceImage('packager', ecs.CpuArchitecture.ARM64),
    // Calls go before it.
    cpu: 128,
    memoryReservationMiB: AGENT_MIB,
    memoryLimitMiB: packagerMiB(of.packagers),
    user: `${PACKAGER_USER}:${CONTAINER_USER}`,
    environment: containerEnvironment(topology.packager, { from: {}, secrets: {} }).environment,
    logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'packager', mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
    readonlyRootFilesystem: true,
    linuxParameters: new ecs.LinuxParameters(scope, 'PackagerLinux', { initProcessEnabled: true }),
    // Without it the node's viewers have WebRTC.
    essential: false,
    enableRestartPolicy: true,
    restartAttemptPeriod: Duration.minutes(1),
  });
  const { HLS_DIR: containerPath } = topology.packager.environment;
  for (const container of [of.media, packager])
    container.addMountPoints({ sourceVolume: 'hls', containerPath, readOnly: false });
  // The node does not depend on the packager: it would not start where that cannot, such as when its image is not there (amazon-ecs-agent,
  // dependencygraph/graph.go). So both are stopped together, and the packager itself waits until the node has drained (untilIdle).
}
