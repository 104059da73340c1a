/** Alarms of recordings: what could not be made into files. */
import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmTarget } from './alarm-target.ts';
import type { Recordings } from './recordings.ts';

const PERIOD = { period: Duration.minutes(5) };

/** @returns what the dashboard shows */
export function recordingAlarms(to: AlarmTarget, recordings: Recordings): cloudwatch.IMetric[] {
  const failed = recordings.metricFailed(PERIOD);
  const notStarted = recordings.metricNotStarted(PERIOD);
  const once = { threshold: 0, periods: 1 };
  to.addAlarm('RecordingsFailed', 'A recording could not be made into files.', 'recordings-fail', failed, once);
  to.addAlarm('ComposerNotStarted', 'EventBridge cannot start the composer.', 'recordings-fail', notStarted, once);
  return [recordings.metricComposed(PERIOD), failed, notStarted];
}
