/** Alarms of streams over HTTP: what encoders and viewers get. */
import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { AlarmTarget } from './alarm-target.ts';
import type { MediaFleet } from './media-fleet.ts';

const MINUTE = Duration.minutes(1);

/** @returns what the dashboard shows */
export function streamAlarms(to: AlarmTarget, media: MediaFleet): cloudwatch.IMetric[] {
  // A node that goes refuses now and then; an encoder that tries again for five minutes is no accident.
  for (const [id, what, metric] of [
    ['PublishFailures', 'Encoders', media.metricPublishFailures({ period: MINUTE })],
    // Not those past the limit of a node whom HLS takes over: that is how a large event is meant to be.
    ['WatchFailures', 'Viewers', media.metricWatchFailures({ period: MINUTE })],
  ] as const)
    to.addAlarm(id, `${what} of streams are refused with 5xx, five minutes in a row.`, 'streams-fail', metric, {
      threshold: 0,
      periods: 5,
    });
  // A room whose packager fails is begun anew while somebody asks for it.
  if (media.packagers > 0)
    to.addAlarm(
      'PackagersFail',
      'Viewers past the limit of a media node get no HLS: its packager fails, five minutes in a row.',
      'streams-fail',
      media.metricPackagerFailures({ period: MINUTE }),
      { threshold: 0, periods: 5 },
    );
  return [
    media.metricStreams(),
    media.metricViewers(),
    media.metricPublishFailures(),
    media.metricWatchFailures(),
    media.metricFirstPicture(),
    ...(media.packagers > 0 ? [media.metricPackagers(), media.metricPackagerFailures()] : []),
  ];
}

/** Not among the alarms of a deployment: a node that fails is no fault of a new auth or signaling. */
export function streamTargetAlarm(to: AlarmTarget, targets: elb.ApplicationTargetGroup): void {
  to.addAlarm(
    'StreamTargets',
    'The load balancer reaches no healthy program for streams on a media node.',
    'streams-fail',
    targets.metrics.unhealthyHostCount({ period: MINUTE, statistic: 'Maximum' }),
    { threshold: 0, periods: 5 },
  );
}
