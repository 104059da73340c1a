/** What AWS does with numbers of a template, as its documentation says it; each rule with its source. */

/**
 * How many tasks an ECS rolling update may stop or add at once. ECS rounds the lower limit up and the upper one down.
 * Source: Amazon ECS API reference, DeploymentConfiguration (minimumHealthyPercent "rounded up to the nearest integer value",
 * maximumPercent "rounded down to the nearest integer value"); terraform-aws-modules/terraform-aws-ecs #390.
 */
export function rollingUpdate(desired: number, minimumHealthyPercent: number, maximumPercent: number) {
  return {
    stop: desired - Math.ceil((desired * minimumHealthyPercent) / 100),
    add: Math.floor((desired * maximumPercent) / 100) - desired,
  };
}

/** CloudFormation gives an ECS service three hours to settle, then it rolls back. Source: AWS re:Post, "ECS service failed to stabilize". */
export const ECS_STABILIZE_SECONDS = 3 * 3600;

/** Longest that a lifecycle hook may last: 48 h, or 100 times its heartbeat timeout. Source: EC2 Auto Scaling guide, "Lifecycle hooks". */
export function longestLifecycleHook(heartbeatTimeout: number): number {
  return Math.min(172_800, 100 * heartbeatTimeout);
}

/** Longest `stopTimeout` of a container definition, s. Source: Amazon ECS task definition parameters, "stopTimeout". */
export const LONGEST_STOP_TIMEOUT = 120;

/**
 * Capacity that target tracking asks for: the present one times metric over target, rounded up, within the limits.
 * Source: EC2 Auto Scaling guide, "Target tracking scaling policies" (the metric must fall in proportion as capacity rises).
 */
export function targetTracking(capacity: number, metric: number, target: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, Math.ceil((capacity * metric) / target - 1e-9)));
}

/**
 * What the predefined metric ASGAverageNetworkOut measures for nodes that send this much: bytes a node and period, and not a second.
 * Source: EC2 Auto Scaling API, PredefinedMetricSpecification; CloudWatch metrics of EC2, "NetworkOut" (bytes of the period; 60 s with
 * detailed monitoring).
 */
export function averageNetworkOut(bytesPerSecond: number, periodSeconds = 60): number {
  return bytesPerSecond * periodSeconds;
}
