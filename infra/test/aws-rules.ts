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

/**
 * Condition keys that a service of AWS sends when it calls another one, by service, API and key, each with the page of AWS whose own policy has it. IAM takes a
 * condition on a key that is not sent for false (IAM user guide, "Condition operators"), so the Allow would be none.
 */
export const SENT_BY_SERVICES: Readonly<Record<string, string>> = {
  'cloudwatch.amazonaws.com sns aws:sourceaccount':
    'CloudWatch guide, "Using Amazon CloudWatch alarms" (encrypted topics); SNS guide, "Example cases"',
  'cloudwatch.amazonaws.com kms aws:sourceaccount':
    'SNS guide, "Key management" (compatibility between event sources and encrypted topics)',
  'budgets.amazonaws.com sns aws:sourceaccount':
    'Cost Management guide, "Creating an Amazon SNS topic for budget notifications"',
  'budgets.amazonaws.com kms aws:sourceaccount': 'the same page, "Encrypting a topic"',
  'cloudfront.amazonaws.com s3 aws:sourcearn':
    'CloudFront guide, "Restrict access to an Amazon S3 origin" (origin access control)',
};

/**
 * What a service of AWS makes in a VPC by itself and leaves there, by the type of the resource for which it does. EC2 deletes no VPC that holds a security group beside its default one (API reference, "DeleteVpc"),
 * so a stack with both ends in DELETE_FAILED. Sources: CloudFront developer guide, "Restrict access with VPC origins" (the group); that it stays: docs/steps/09 of
 * shadreza/aws-three-tier-cloud-ref-architecture ("if the network destroy fails with DependencyViolation, delete this group"), ekristen/aws-nuke #615.
 */
export const LEFT_IN_VPC: Readonly<Record<string, string>> = {
  'AWS::CloudFront::VpcOrigin': 'CloudFront-VPCOrigins-Service-SG',
};

/**
 * How ECS shares a processor among containers that all want it: in proportion to their `cpu`; none, 0 and 1 are 2. Source: Amazon ECS API reference, ContainerDefinition
 * `cpu` ("Null, zero, and CPU values of 1 are passed to Docker as two CPU shares").
 */
export function cpuShares(
  containers: readonly { readonly Name: string; readonly Cpu?: number }[],
): Map<string, number> {
  const weights = containers.map(({ Name, Cpu = 0 }) => [Name, Math.max(2, Cpu)] as const);
  const all = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return new Map(weights.map(([name, weight]) => [name, weight / all]));
}

interface WafFilter {
  readonly Behavior: 'KEEP' | 'DROP';
  readonly Requirement: 'MEETS_ALL' | 'MEETS_ANY';
  readonly Conditions: readonly { readonly ActionCondition: { readonly Action: string } }[];
}

/**
 * Whether WAF writes a record of a request with this action: the first filter that fits decides, then the default; without a filter it writes every request.
 * Source: AWS WAF API reference, LoggingFilter ("logs ... default handling for logs that don't match any of the specified filtering conditions").
 */
export function wafKeeps(
  filter: { readonly DefaultBehavior: string; readonly Filters: readonly WafFilter[] } | undefined,
  action: 'ALLOW' | 'BLOCK' | 'COUNT',
): boolean {
  if (!filter) return true;
  const fits = ({ Requirement, Conditions }: WafFilter) => {
    const met = Conditions.map(({ ActionCondition }) => ActionCondition.Action === action);
    return Requirement === 'MEETS_ANY' ? met.includes(true) : !met.includes(false);
  };
  return (filter.Filters.find(fits)?.Behavior ?? filter.DefaultBehavior) === 'KEEP';
}

/**
 * When ECS stops a task behind a load balancer, seconds after it decided so: the load balancer breaks what is still open, and only then comes SIGTERM. Sources: Amazon ECS
 * guide, "Optimize load balancer connection draining parameters for Amazon ECS" (it "waits for the load balancer to report that the keep alive connection is closed (the
 * target is in an UNUSED state)", and after the delay the load balancer "breaks the connection"); ECS API reference, HealthCheck (DEACTIVATING: target groups are
 * deregistered in this state, then STOPPING).
 */
export function taskStop(deregistrationDelay: number) {
  return { brokenAfter: deregistrationDelay, sigtermAfter: deregistrationDelay };
}

/**
 * How many times a second ECS answers ListTasks, DescribeTasks and their like, all that asks in an account and region together; a burst of 100 beside. No quota of Service Quotas. Source: Amazon ECS
 * API reference, "Request throttling for the Amazon ECS API" (cluster resource read actions).
 */
export const ECS_READS_A_SECOND = 20;

/**
 * When the lifecycle hook of an instance that is to go begins, seconds after Auto Scaling decided so: it takes the instance off its load balancer first, and waits for open connections, for as long as the
 * deregistration delay at most. Source: EC2 Auto Scaling guide, "How lifecycle hooks work in Auto Scaling groups" (steps 4 and 5).
 */
export function terminatingHook(deregistrationDelay: number) {
  return { beginsAfter: deregistrationDelay };
}

/**
 * For how long a network load balancer may go on opening connections to a target that is taken off, s, whatever its deregistration delay. Its guide says none, others saw 120 s with a delay of 0
 * (aws/containers-roadmap #470) and "consistently" two minutes (kubernetes-sigs/aws-load-balancer-controller #2366); AWS support says 180 to 300 s (the same repository, #1834).
 */
export const NLB_OPENS_AFTER_DEREGISTRATION = 300;
/** Deregistration delay of a target group that sets none, s. Source: Elastic Load Balancing guide, "Target groups for your Network Load Balancers". */
export const DEFAULT_DEREGISTRATION_DELAY = 300;

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

/**
 * Tasks of an ECS service after CloudFormation updated it: DesiredCount of the template whenever it is there, whatever scaling made of it.
 * Source: CloudFormation reference, AWS::ECS::Service DesiredCount; aws/containers-roadmap #493, aws/aws-cdk #3919.
 */
export function tasksAfterUpdate(present: number, desiredCountOfTemplate: number | undefined): number {
  return desiredCountOfTemplate ?? present;
}

/**
 * Physical names that a template may give, and how far each must be unique. A `global` one is kept once an account, for all regions.
 * Source: the reference of each resource type; CloudFront and CloudWatch dashboards are global services (AWS General Reference).
 */
export const PHYSICAL_NAMES: readonly {
  readonly type: string;
  readonly path: string;
  readonly scope: 'global' | 'region';
}[] = [
  { type: 'AWS::CloudWatch::Dashboard', path: 'DashboardName', scope: 'global' },
  { type: 'AWS::CloudFront::OriginAccessControl', path: 'OriginAccessControlConfig.Name', scope: 'global' },
  { type: 'AWS::CloudFront::ResponseHeadersPolicy', path: 'ResponseHeadersPolicyConfig.Name', scope: 'global' },
  { type: 'AWS::CloudFront::CachePolicy', path: 'CachePolicyConfig.Name', scope: 'global' },
  { type: 'AWS::CloudFront::OriginRequestPolicy', path: 'OriginRequestPolicyConfig.Name', scope: 'global' },
  { type: 'AWS::CloudFront::Function', path: 'Name', scope: 'global' },
  { type: 'AWS::CloudFront::VpcOrigin', path: 'VpcOriginEndpointConfig.Name', scope: 'global' },
  { type: 'AWS::S3::Bucket', path: 'BucketName', scope: 'global' },
  { type: 'AWS::IAM::Role', path: 'RoleName', scope: 'global' },
  { type: 'AWS::IAM::ManagedPolicy', path: 'ManagedPolicyName', scope: 'global' },
  { type: 'AWS::IAM::InstanceProfile', path: 'InstanceProfileName', scope: 'global' },
  { type: 'AWS::Budgets::Budget', path: 'Budget.BudgetName', scope: 'global' },
  { type: 'AWS::CloudWatch::Alarm', path: 'AlarmName', scope: 'region' },
  { type: 'AWS::CloudWatch::CompositeAlarm', path: 'AlarmName', scope: 'region' },
  { type: 'AWS::ElastiCache::User', path: 'UserId', scope: 'region' },
  { type: 'AWS::ElastiCache::UserGroup', path: 'UserGroupId', scope: 'region' },
  { type: 'AWS::ElastiCache::ReplicationGroup', path: 'ReplicationGroupId', scope: 'region' },
  { type: 'AWS::ElastiCache::SubnetGroup', path: 'CacheSubnetGroupName', scope: 'region' },
  { type: 'AWS::EC2::LaunchTemplate', path: 'LaunchTemplateName', scope: 'region' },
  { type: 'AWS::EC2::SecurityGroup', path: 'GroupName', scope: 'region' },
  { type: 'AWS::AutoScaling::AutoScalingGroup', path: 'AutoScalingGroupName', scope: 'region' },
  { type: 'AWS::ECS::Cluster', path: 'ClusterName', scope: 'region' },
  { type: 'AWS::ECS::Service', path: 'ServiceName', scope: 'region' },
  { type: 'AWS::ECS::CapacityProvider', path: 'Name', scope: 'region' },
  { type: 'AWS::ElasticLoadBalancingV2::LoadBalancer', path: 'Name', scope: 'region' },
  { type: 'AWS::ElasticLoadBalancingV2::TargetGroup', path: 'Name', scope: 'region' },
  { type: 'AWS::KMS::Alias', path: 'AliasName', scope: 'region' },
  { type: 'AWS::Lambda::Function', path: 'FunctionName', scope: 'region' },
  { type: 'AWS::Logs::LogGroup', path: 'LogGroupName', scope: 'region' },
  { type: 'AWS::SecretsManager::Secret', path: 'Name', scope: 'region' },
  { type: 'AWS::SNS::Topic', path: 'TopicName', scope: 'region' },
  { type: 'AWS::WAFv2::WebACL', path: 'Name', scope: 'region' },
  { type: 'AWS::SSM::Parameter', path: 'Name', scope: 'region' },
];

/** Properties that look like a physical name and are none. */
export const NO_PHYSICAL_NAME: Readonly<Record<string, string>> = {
  'AWS::ServiceDiscovery::PrivateDnsNamespace Name': 'of the VPC: the zones of two VPCs may have one name',
  'AWS::ServiceDiscovery::Service Name': 'of its namespace',
  'AWS::Route53::RecordSet Name': 'a DNS name of the zone, made from the domain',
  'AWS::ElastiCache::User UserName': 'of the user group',
  'AWS::AutoScaling::LifecycleHook LifecycleHookName': 'of its group',
  'AWS::AutoScaling::LifecycleHook AutoScalingGroupName': 'a reference',
  'AWS::AutoScaling::ScalingPolicy AutoScalingGroupName': 'a reference',
  'AWS::ApplicationAutoScaling::ScalingPolicy PolicyName': 'of its target',
  'AWS::IAM::Policy PolicyName': 'of its role',
  'AWS::ApiGateway::RestApi Name': 'need not be unique',
  'AWS::ApiGateway::Stage StageName': 'of its API',
  'AWS::ApiGateway::DomainName DomainName': 'the shared name itself',
  'AWS::ApiGateway::BasePathMapping DomainName': 'a reference',
  'AWS::CloudWatch::Alarm MetricName': 'of the series it watches',
  'AWS::SNS::Topic DisplayName': 'shown in mails only',
  'AWS::EC2::VPCEndpoint ServiceName': 'of AWS',
  'AWS::ElastiCache::ReplicationGroup CacheParameterGroupName': 'a reference',
  'AWS::ElastiCache::ReplicationGroup CacheSubnetGroupName': 'a reference',
  'AWS::Lambda::Permission FunctionName': 'a reference',
};

const WEEK = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * Times of a week at which a scheduled action runs: `SUN 07:30` and so on. EC2 Auto Scaling writes five fields of cron, with days of the week
 * from 0 (Sunday); Application Auto Scaling six in `cron()`, the last a year, days of the week by name or from 1 (Sunday), and exactly one of the two
 * fields for days is `?`. Sources: EC2 Auto Scaling API, PutScheduledUpdateGroupAction, Recurrence; Application Auto Scaling guide, "Schedule
 * recurring scaling actions using cron expressions". Knows what we write: single times, lists of days.
 */
export function scheduledTimes(expression: string): string[] {
  const [, six] = /^cron\((.*)\)$/.exec(expression) ?? [];
  const fields = (six ?? expression).split(' ');
  const [minute = '', hour = '', day = '', month = '', week = '', year] = fields;
  const isValid = six
    ? fields.length === 6 && [day, week].filter((one) => one === '?').length === 1
    : fields.length === 5;
  if (!isValid || month !== '*' || !['*', '?'].includes(day) || (year ?? '*') !== '*')
    throw new Error(`${expression} is no expression of Auto Scaling, or not one that this reads`);
  if (!/^\d+$/.test(minute) || !/^\d+$/.test(hour)) throw new Error(`${expression}: not one time of day`);
  const first = six ? 1 : 0;
  const days = ['*', '?'].includes(week)
    ? WEEK
    : week.split(',').map((one) => (WEEK.includes(one) ? one : WEEK[Number(one) - first]));
  return days.map((one) => `${one} ${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`);
}
