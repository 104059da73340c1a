import { readQueues } from '@tandem/hooks/config';
import { Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge } from './acknowledge.ts';
import { HOOKS_ACCESS } from './cache-access.ts';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';
import { cachePlace } from './place.ts';
import { RealtimeService } from './realtime-service.ts';
import type { RealtimeServiceProps } from './realtime-service-props.ts';
import { withSettings } from './with-settings.ts';

/** Properties of {@link HooksService}. */
export interface HooksServiceProps extends RealtimeServiceProps {
  /** Where auth publishes its keys, such as `http://auth.tandem.internal:8081/.well-known/jwks.json`. */
  readonly jwksUrl: string;
  /**
   * Secret whose text is the key that encrypts the signing secrets of webhook endpoints in the cache: 32 bytes in base64url, 43 characters. Read when a
   * task starts. With another key all endpoints have to be made again.
   * @default - a generated one
   */
  readonly webhookKey?: secretsmanager.ISecret;
  /**
   * How many proxies in front append to X-Forwarded-For.
   * @default 2 - CloudFront and the load balancer
   */
  readonly trustedProxies?: number;
  /**
   * Requests a second with one API key, over all tasks.
   * @default 20
   */
  readonly apiRequestsPerSecond?: number;
  /**
   * Event streams of a task.
   * @default 50
   */
  readonly maxStreams?: number;
  /**
   * FIFO queues that endpoints may name beside https addresses: each room is a group, in its order. The tasks may send to them, and use their keys
   * for it. High throughput (`fifoThroughputLimit: PER_MESSAGE_GROUP_ID`) is for more than 300 events a second.
   * @default - none
   */
  readonly queues?: sqs.IQueue[];
}

/**
 * Events of rooms for backends, on Fargate: webhooks, pages and streams. Signaling with `events: true` and the same cache writes what it reads. Tasks
 * share the work; two are enough for availability.
 *
 * Webhooks go to addresses that customers choose, so the security group lets out HTTPS alone, beside the cache (the program itself refuses
 * private addresses). Let it out to auth as well, unless `jwksUrl` is https: `hooks.connections.allowToDefaultPort(auth)`. Receivers see the addresses of the
 * NAT gateways, or of the tasks where there are none.
 */
export class HooksService extends RealtimeService {
  /** Rules of its cache user, for {@link SessionCache.addUser} or a cache of yours. */
  static readonly CACHE_ACCESS: string = HOOKS_ACCESS;
  /** The key of the endpoints' secrets. */
  readonly webhookKey: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: HooksServiceProps) {
    checkProps('HooksService', 'HooksServiceProps', props);
    check(
      Token.isUnresolved(props.jwksUrl) ||
        (URL.canParse(props.jwksUrl) && /^https?:$/.test(new URL(props.jwksUrl).protocol)),
      'HooksService',
      'jwksUrl',
      `"${props.jwksUrl}" is no http or https URL`,
      'where auth publishes its keys, such as https://calls.example.com/.well-known/jwks.json',
    );
    checkInteger('HooksService', 'trustedProxies', props.trustedProxies, 0, 10);
    checkInteger('HooksService', 'apiRequestsPerSecond', props.apiRequestsPerSecond, 1, 1_000_000);
    checkInteger('HooksService', 'maxStreams', props.maxStreams, 1, 100_000);
    const queues = props.queues ?? [];
    for (const { fifo, queueName } of queues)
      check(
        fifo,
        'HooksService',
        'queues',
        `"${queueName}" is no FIFO queue`,
        'one with fifo: true, for events in their order',
      );
    checkQueues(props.environment);
    // Beside the service, which needs it before there is a service.
    const webhookKey = props.webhookKey ?? newWebhookKey(new Construct(scope, `${id}Key`));
    const settings = {
      API_REQUESTS_PER_SECOND: props.apiRequestsPerSecond,
      MAX_STREAMS: props.maxStreams,
      EVENT_QUEUES: queues.length > 0 ? queues.map(({ queueUrl }) => queueUrl).join(',') : undefined,
    };
    super(scope, id, 'HooksService', 'hooks', topology.hooks, withSettings(props, settings), {
      from: {
        'cache-url': props.cache?.url,
        'jwks-url': props.jwksUrl,
        'trusted-proxies': String(props.trustedProxies ?? 2),
      },
      secrets: { ...cachePlace(props.cache), 'webhook-key': ecs.Secret.fromSecretsManager(webhookKey) },
    });
    this.webhookKey = webhookKey;
    for (const queue of queues) queue.grantSendMessages(this.taskDefinition.taskRole);
    this.connections.allowToAnyIpv4(ec2.Port.tcp(443), 'Webhooks; images, logs and secrets of AWS');
  }

  /** Parts of the rooms that have a task: below 64 those of the others wait. */
  metricPartitions(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_partitions', { statistic: 'Sum', ...props });
  }

  /** Events written to the log. */
  metricEvents(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_events_total', { statistic: 'Sum', ...props });
  }

  /** Webhooks that a receiver accepted. */
  metricDelivered(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_delivered_total', { statistic: 'Sum', ...props });
  }

  /** Tries of webhooks that failed. */
  metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_failed_total', { statistic: 'Sum', ...props });
  }

  /** Webhooks given up after their last try. */
  metricDead(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_dead_total', { statistic: 'Sum', ...props });
  }

  /** Events that fell out of a full outbox, or were left out of a full queue. */
  metricDropped(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_dropped_total', { statistic: 'Sum', ...props });
  }

  /** Age of the oldest change that is no event yet, s. */
  metricUnread(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_unread_seconds', { statistic: 'Maximum', ...props });
  }

  /** For how long the try of a webhook that waits most is due and not over, s. */
  metricOverdue(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_overdue_seconds', { statistic: 'Maximum', ...props });
  }

  /** Open event streams, all tasks. */
  metricStreams(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('tandem_hooks_streams', { statistic: 'Sum', ...props });
  }
}

/** As the program does when it starts. What is wrong with one variable alone its schema says. */
function checkQueues({ EVENT_QUEUES = '', PRIVATE_ENDPOINTS }: HooksServiceProps['environment'] = {}): void {
  if (Token.isUnresolved(EVENT_QUEUES)) return;
  try {
    readQueues(EVENT_QUEUES, PRIVATE_ENDPOINTS === 'true');
  } catch (error) {
    throw new Error(`HooksService.environment: ${(error as Error).message}, or queues of HooksService.`);
  }
}

function newWebhookKey(scope: Construct): secretsmanager.Secret {
  const secret = new secretsmanager.Secret(scope, 'Secret', {
    description: 'Encrypts the signing secrets of webhook endpoints',
    // 43 letters and digits read as 32 bytes of base64url.
    generateSecretString: { excludePunctuation: true, passwordLength: 43 },
  });
  acknowledge(secret, {
    'AwsSolutions-SMG4': 'What it encrypted lies in the cache: another key would make all webhook endpoints useless.',
  });
  return secret;
}
