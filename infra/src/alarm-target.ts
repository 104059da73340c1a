import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { AlarmThreshold } from './observability-props.ts';

/** Where alarms are added: `Observability`, for the files that describe alarms. */
export interface AlarmTarget extends Construct {
  /** The topic that alarms and recoveries are published to. */
  readonly topic: ITopic;
  /** Address of the folder of runbooks, without a trailing slash. */
  readonly runbooks: string;
  addAlarm(
    id: string,
    description: string,
    runbook: string,
    metric: cloudwatch.IMetric,
    props: AlarmThreshold,
  ): cloudwatch.Alarm;
}
