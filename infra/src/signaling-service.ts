import { CfnElement, Duration, Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge } from './acknowledge.ts';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';
import { cachePlace } from './place.ts';
import { RealtimeService } from './realtime-service.ts';
import type { RealtimeServiceProps } from './realtime-service-props.ts';
import type { Recordings } from './recordings.ts';
import { withSettings } from './with-settings.ts';

/** Properties of {@link SignalingService}. */
export interface SignalingServiceProps extends RealtimeServiceProps {
  /** Where auth publishes its keys, such as `http://auth.tandem.internal:8081/.well-known/jwks.json`. */
  readonly jwksUrl: string;
  /**
   * Origins of the pages that may connect, comma-separated: `webClient.origin`. {@link Edge.addService} wants it, as a service behind CloudFront gets the load balancer's
   * name as Host (CloudFront guide, "Use managed origin request policies", AllViewerExceptHostHeader).
   * @default - pages of the host that a request names
   */
  readonly allowedOrigins?: string;
  /**
   * How many proxies in front append to X-Forwarded-For.
   * @default 2 - CloudFront and the load balancer
   */
  readonly trustedProxies?: number;
  /**
   * Whose word makes a room: `anyone` who joins it, or only the server API (`api`).
   * @default 'anyone'
   */
  readonly createRooms?: string;
  /**
   * Requests a second to the server API with one API key, of a task.
   * @default 50
   */
  readonly apiRequestsPerSecond?: number;
  /**
   * Write every change of a room as an event, for a {@link HooksService} on the same cache.
   * @default false
   */
  readonly events?: boolean;
  /**
   * Where recordings are kept. Without it nothing is recorded.
   * @default - none
   */
  readonly recordings?: Recordings;
  /**
   * Connections a task that scaling holds.
   * @default 8000 - 40 % of the app's MAX_CONNECTIONS, so that two zones carry what three did
   */
  readonly targetConnections?: number;
}

/** Offer, answer and ICE over WebSocket, on Fargate. */
export class SignalingService extends RealtimeService {
  constructor(scope: Construct, id: string, props: SignalingServiceProps) {
    checkProps('SignalingService', 'SignalingServiceProps', props);
    check(
      Token.isUnresolved(props.jwksUrl) ||
        (URL.canParse(props.jwksUrl) && /^https?:$/.test(new URL(props.jwksUrl).protocol)),
      'SignalingService',
      'jwksUrl',
      `"${props.jwksUrl}" is no http or https URL`,
      'where auth publishes its keys, such as https://calls.example.com/.well-known/jwks.json',
    );
    checkInteger('SignalingService', 'trustedProxies', props.trustedProxies, 0, 10);
    checkInteger('SignalingService', 'targetConnections', props.targetConnections, 1, 1_000_000);
    check(
      props.createRooms === undefined || ['anyone', 'api'].includes(props.createRooms),
      'SignalingService',
      'createRooms',
      `"${props.createRooms}" is unknown`,
      'anyone or api',
    );
    checkInteger('SignalingService', 'apiRequestsPerSecond', props.apiRequestsPerSecond, 1, 1_000_000);
    const settings = {
      CREATE_ROOMS: props.createRooms,
      API_REQUESTS_PER_SECOND: props.apiRequestsPerSecond,
    };
    super(scope, id, 'SignalingService', 'signaling', topology.signaling, withSettings(props, settings), {
      from: {
        'cache-url': props.cache?.url,
        'jwks-url': props.jwksUrl,
        ...(props.events ? { events: 'true' } : {}),
        recordings: props.recordings?.place,
        'public-origin': props.allowedOrigins,
        'trusted-proxies': String(props.trustedProxies ?? 2),
      },
      secrets: cachePlace(props.cache),
    });
    props.recordings?.grantManage(this);
    this.mayAskForItself();
    if (props.metrics ?? true)
      this.scaling.scaleToTrackCustomMetric('Connections', {
        metric: this.metricConnections(),
        targetValue: props.targetConnections ?? 8000,
        scaleOutCooldown: Duration.seconds(60),
        scaleInCooldown: Duration.minutes(10),
      });
  }

  /** Whether ECS wants it stopped, which SIGTERM says only when the load balancer has broken its sockets (apps/signaling/src/ecs-task.ts). */
  private mayAskForItself(): void {
    const { cluster, taskDefinition } = this;
    const { stack } = this.service;
    // A task has no name before it runs.
    const tasks = stack.formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` });
    taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({ actions: ['ecs:DescribeTasks'], resources: [tasks] }));
    const own = cluster.node.defaultChild;
    const name = own instanceof CfnElement ? `<${stack.getLogicalId(own)}>` : cluster.clusterName;
    acknowledge(taskDefinition, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/${name}/*]`]:
        'A task reads what ECS wants of it; it has no name before it runs.',
    });
  }

  /** Average open WebSockets a task. */
  metricConnections(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_signaling_connections', { statistic: 'Average', period: Duration.minutes(1), ...props });
  }
}
