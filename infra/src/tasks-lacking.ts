import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { RealtimeService } from './realtime-service.ts';

/**
 * Tasks that run, as long as more are wanted; else `enough`. A new service is of one task until CloudFormation makes its scaling, for which it waits while ECS
 * watches the alarms of the deployment (guide, "How CloudWatch alarms detect Amazon ECS deployment failures": bake time). That is no lack of tasks. None at all
 * is one, whatever is wanted: no service here scales to nothing. Operators: CloudWatch guide, "Metric math syntax and functions" (`OR` or `||`).
 */
export function tasksLacking(service: RealtimeService, enough: number): cloudwatch.IMetric {
  return new cloudwatch.MathExpression({
    expression: `IF(running < wanted || running < 1, running, ${enough})`,
    usingMetrics: { running: service.metricRunningTasks(), wanted: service.metricDesiredTasks() },
    label: 'Tasks that run, while more are wanted or none is there',
    period: Duration.minutes(1),
  });
}
