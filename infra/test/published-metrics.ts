/**
 * What AWS publishes, as far as alarms and widgets of ours use it: namespace, name, dimensions, with the page that says so. An alarm on a
 * series that is not here fails the build: CloudWatch takes it without a word, and it stays in INSUFFICIENT_DATA for ever.
 */
export interface PublishedMetrics {
  readonly namespace: string;
  readonly source: string;
  readonly names: readonly string[];
  /** Each set of dimensions under which the names exist. */
  readonly dimensions: readonly (readonly string[])[];
  /** The only region that has them, for global services. */
  readonly region?: string;
}

export const PUBLISHED: readonly PublishedMetrics[] = [
  {
    namespace: 'AWS/ApplicationELB',
    source: 'Application Load Balancers guide, "CloudWatch metrics for your Application Load Balancer"',
    names: [
      'ActiveConnectionCount',
      'ConsumedLCUs',
      'HTTPCode_ELB_5XX_Count',
      'NewConnectionCount',
      'RejectedConnectionCount',
    ],
    dimensions: [['LoadBalancer'], ['AvailabilityZone', 'LoadBalancer']],
  },
  {
    namespace: 'AWS/ApplicationELB',
    source: 'the same page, metrics of targets',
    names: ['HTTPCode_Target_5XX_Count', 'HealthyHostCount', 'UnHealthyHostCount', 'TargetResponseTime'],
    dimensions: [['LoadBalancer'], ['LoadBalancer', 'TargetGroup']],
  },
  {
    namespace: 'AWS/ECS',
    source: 'Amazon ECS guide, "Amazon ECS CloudWatch metrics"',
    names: ['CPUUtilization', 'MemoryUtilization'],
    dimensions: [['ClusterName'], ['ClusterName', 'ServiceName']],
  },
  {
    namespace: 'ECS/ContainerInsights',
    source: 'CloudWatch guide, "Amazon ECS Container Insights metrics"',
    names: ['RunningTaskCount', 'DesiredTaskCount', 'PendingTaskCount'],
    dimensions: [['ClusterName', 'ServiceName']],
  },
  {
    namespace: 'AWS/Events',
    source: 'EventBridge guide, "Monitoring Amazon EventBridge"',
    names: ['FailedInvocations'],
    dimensions: [['RuleName']],
  },
  {
    namespace: 'AWS/ElastiCache',
    source:
      'ElastiCache guide, "Metrics for Valkey and Redis OSS" and "Host-Level Metrics": by CacheClusterId, with or without CacheNodeId',
    names: ['EngineCPUUtilization', 'DatabaseMemoryUsagePercentage', 'ReplicationLag', 'CurrConnections', 'Evictions'],
    dimensions: [['CacheClusterId'], ['CacheClusterId', 'CacheNodeId']],
  },
  {
    namespace: 'AWS/AutoScaling',
    source:
      'EC2 Auto Scaling guide, "Amazon CloudWatch metrics for Amazon EC2 Auto Scaling" (group metrics are enabled)',
    names: [
      'GroupDesiredCapacity',
      'GroupInServiceInstances',
      'GroupMaxSize',
      'GroupMinSize',
      'GroupPendingInstances',
      'GroupStandbyInstances',
      'GroupTerminatingInstances',
      'GroupTotalInstances',
    ],
    dimensions: [['AutoScalingGroupName']],
  },
  {
    namespace: 'AWS/CloudFront',
    source: 'CloudFront guide, "Using Amazon CloudWatch metrics": us-east-1, Region=Global',
    names: ['Requests', 'BytesDownloaded', 'BytesUploaded', '4xxErrorRate', '5xxErrorRate', 'TotalErrorRate'],
    dimensions: [['DistributionId', 'Region']],
    region: 'us-east-1',
  },
  {
    namespace: 'AWS/CloudFront',
    source:
      'the same page, additional metrics: only with a monitoring subscription (AWS::CloudFront::MonitoringSubscription)',
    names: ['CacheHitRate'],
    dimensions: [['DistributionId', 'Region']],
    region: 'us-east-1',
  },
];

/** Most metrics in the math of one alarm. Source: CloudWatch guide, "Service quotas". */
export const METRICS_AN_ALARM = 10;
