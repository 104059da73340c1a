import type * as ecs from 'aws-cdk-lib/aws-ecs';
import { Canary } from './canary.ts';
import type { Observability } from './observability.ts';
import { type TopologyContext, taskPlacement } from './topology-context.ts';

/** What the canary needs of the parts made before it. */
export interface CanaryNeeds {
  readonly cluster: ecs.ICluster;
  /** `https://…` of the page. */
  readonly origin: string;
  readonly observability: Observability;
}

/** The canary, and the alarm when it fails. */
export function watchAsCaller({ scope, props, profile, vpc }: TopologyContext, needs: CanaryNeeds): Canary {
  const { cluster, origin, observability } = needs;
  const { access = 'open', domain, alarmEmails, canaryApiKey, canaryImage, logRetention } = props;
  const hasToken = canaryApiKey !== undefined || access.split(',').includes('open');
  const canary = new Canary(scope, 'Canary', {
    vpc,
    cluster,
    origin,
    ...taskPlacement(vpc),
    without: [...(hasToken ? [] : ['tokens']), ...(domain ? [] : ['relay-tls'])],
    // A development stack that sends no mail is no fault.
    alarmTopic: profile.isProduction || alarmEmails?.length ? observability.topic : undefined,
    apiKey: canaryApiKey,
    image: canaryImage,
    logRetention,
  });
  observability.addAlarm(
    'Canary',
    `What a caller does fails from outside, or was not tried: ${hasToken ? 'join, message, relay over UDP or TLS' : 'page, services (no token, so no call)'}.`,
    'canary-failed',
    canary.metricPassed(),
    { threshold: 1, below: true, periods: 3, missingIsBad: true },
  );
  return canary;
}
