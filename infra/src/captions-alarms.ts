/** Alarms of captions: who speaks gets none. */
import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmTarget } from './alarm-target.ts';
import type { CaptionsService } from './captions-service.ts';

const MINUTE = { period: Duration.minutes(1) };

/** @returns what the dashboard shows */
export function captionsAlarms(to: AlarmTarget, captions: CaptionsService): cloudwatch.IMetric[] {
  // While a task begins, its recognizer loads a model.
  const often = { threshold: 0, periods: 5 };
  to.addAlarm(
    'RecognizerAway',
    'A recognizer of captions does not answer, five minutes in a row.',
    'captions-fail',
    captions.metricRecognizersAway(MINUTE),
    often,
  );
  to.addAlarm(
    'CaptionsShed',
    'Captions refuses microphones as it has as many as it may, five minutes in a row.',
    'captions-fail',
    captions.metricShed(MINUTE),
    often,
  );
  return [captions.metricSpeakers(), captions.metricTexts(), captions.metricDropped(), captions.metricShed()];
}
