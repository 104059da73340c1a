import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

/** Most time of a first deployment until everything writes, minutes: the cache and CloudFront's origin take a quarter of an hour each. */
const WARM_UP_MINUTES = 120;

/**
 * For an alarm to which no data is bad: it is made before what writes its data, and would page for nothing. It begins as soon as its data are there, and
 * after this time at the latest, so what never writes is heard too. CloudWatch guide, "Alarm warm-up periods"; not in CDK's own alarm yet.
 */
export function warmUp(alarm: cloudwatch.Alarm): void {
  (alarm.node.defaultChild as cloudwatch.CfnAlarm).warmUpConfiguration = {
    warmUpPeriodDurationInMinutes: WARM_UP_MINUTES,
  };
}
