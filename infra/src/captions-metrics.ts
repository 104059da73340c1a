import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { CaptionsService } from './captions-service.ts';

/** What the dashboard shows of captions; its alarms are among those of packages/service/src/kpi-alarms.ts. */
export function captionsMetrics(captions: CaptionsService): cloudwatch.IMetric[] {
  return [captions.metricSpeakers(), captions.metricTexts(), captions.metricDropped(), captions.metricShed()];
}
