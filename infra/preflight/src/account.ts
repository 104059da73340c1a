/** What the preflight reads of an AWS account, by the AWS SDK. Everything here only reads. */
import { ACMClient, DescribeCertificateCommand } from '@aws-sdk/client-acm';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, GetMetricDataCommand, type Metric } from '@aws-sdk/client-cloudwatch';
import {
  DescribeAddressesCommand,
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { DescribeReservedCacheNodesOfferingsCommand, ElastiCacheClient } from '@aws-sdk/client-elasticache';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetHostedZoneCommand, ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { GetServiceQuotaCommand, type MetricInfo, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AWS_LIMITS } from '@tandem/service/aws-limits';

export interface Certificate {
  readonly status: string;
  readonly names: readonly string[];
}

export interface Zone {
  /** Such as us-east-1a. */
  readonly name: string;
  /** Such as use1-az3. */
  readonly id: string;
}

export interface Quota {
  readonly allowed: number;
  /** The most of it that was used within the last hour; undefined: AWS keeps no series of its use. */
  readonly used: number | undefined;
}

export interface DeployedStack {
  /** Such as UPDATE_COMPLETE. */
  readonly status: string;
  readonly description: string;
}

export interface DnsRecord {
  /** Without the last dot. */
  readonly name: string;
  readonly type: string;
  /** One of several of that name, by latency, weight or place. */
  readonly isShared: boolean;
}

/** Each method throws what AWS answers; the checks say what that means. */
export interface Account {
  id(): Promise<string>;
  quota(service: string, code: string): Promise<Quota>;
  elasticIpsInUse(): Promise<number>;
  vpcsInUse(): Promise<number>;
  /** Zones of the region, in the order of their names. A name means another zone in each account; an id means the same everywhere. */
  zones(): Promise<readonly Zone[]>;
  /** Zones that offer this instance type. */
  zonesWith(instanceType: string): Promise<readonly string[]>;
  /** Whether the region has this type of cache node. */
  offersCacheNode(nodeType: string): Promise<boolean>;
  /** The stack of that name; undefined: there is none. */
  stack(name: string): Promise<DeployedStack | undefined>;
  /** Records of exactly that name. */
  records(zoneId: string, name: string): Promise<readonly DnsRecord[]>;
  /** @param region where the certificate is */
  certificate(arn: string, region: string): Promise<Certificate>;
  /** Whether the account has a role of this name. */
  hasRole(name: string): Promise<boolean>;
  hostedZone(id: string): Promise<{ readonly name: string; readonly isPrivate: boolean }>;
  /** Version of `cdk bootstrap` in a region; undefined: never done. */
  bootstrapVersion(region: string): Promise<number | undefined>;
}

/**
 * The series that a quota names as its use (API reference of GetServiceQuota, `UsageMetric`), the most within the last hour. AWS writes it each
 * five minutes at most while something is used: no value means no use.
 */
async function usage(client: CloudWatchClient, series: MetricInfo | undefined): Promise<number | undefined> {
  if (!series?.MetricNamespace || !series.MetricName) return undefined;
  const Metric: Metric = {
    Namespace: series.MetricNamespace,
    MetricName: series.MetricName,
    Dimensions: Object.entries(series.MetricDimensions ?? {}).map(([Name, Value]) => ({ Name, Value })),
  };
  const now = Date.now();
  const asked = new GetMetricDataCommand({
    StartTime: new Date(now - 3_600_000),
    EndTime: new Date(now),
    MetricDataQueries: [{ Id: 'used', MetricStat: { Metric, Period: 300, Stat: 'Maximum' } }],
  });
  const values = (await client.send(asked)).MetricDataResults?.flatMap((one) => one.Values ?? []) ?? [];
  return Math.max(0, ...values);
}

async function stackOf(client: CloudFormationClient, name: string): Promise<DeployedStack | undefined> {
  try {
    const [found] = (await client.send(new DescribeStacksCommand({ StackName: name }))).Stacks ?? [];
    return found && { status: found.StackStatus ?? 'unknown', description: found.Description ?? '' };
  } catch (error) {
    // CloudFormation has no error of its own for it.
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message))
      return undefined;
    throw error;
  }
}

async function recordsOf(client: Route53Client, zoneId: string, name: string): Promise<DnsRecord[]> {
  // Sorted by name: those of this name come first. More than a hundred of one name would be more than Route 53's regions.
  const asked = new ListResourceRecordSetsCommand({ HostedZoneId: zoneId, StartRecordName: name, MaxItems: 100 });
  return ((await client.send(asked)).ResourceRecordSets ?? [])
    .map((one) => ({
      name: (one.Name ?? '').replace(/\.$/, ''),
      type: one.Type ?? '',
      isShared: one.SetIdentifier !== undefined,
    }))
    .filter((one) => one.name === name);
}

/** IAM is asked in one region for all (General Reference, "Global endpoints"); the SDK finds it. */
async function hasRole(client: IAMClient, name: string): Promise<boolean> {
  try {
    await client.send(new GetRoleCommand({ RoleName: name }));
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchEntityException') return false;
    throw error;
  }
}

async function bootstrapVersionOf(client: SSMClient): Promise<number | undefined> {
  try {
    const asked = new GetParameterCommand({ Name: '/cdk-bootstrap/hnb659fds/version' });
    return Number((await client.send(asked)).Parameter?.Value);
  } catch (error) {
    if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
    throw error;
  }
}

/** The account of the usual credentials (environment, profile, SSO). */
export function accountOf(region: string): Account {
  const ec2 = new EC2Client({ ...AWS_LIMITS, region });
  const cloudWatch = new CloudWatchClient({ ...AWS_LIMITS, region });
  return {
    id: async () =>
      (await new STSClient({ ...AWS_LIMITS, region }).send(new GetCallerIdentityCommand({}))).Account ?? '',
    quota: async (service, code) => {
      const asked = new GetServiceQuotaCommand({ ServiceCode: service, QuotaCode: code });
      const found = (await new ServiceQuotasClient({ ...AWS_LIMITS, region }).send(asked)).Quota;
      if (found?.Value === undefined) throw new Error(`quota ${code} of ${service} has no value`);
      return { allowed: found.Value, used: await usage(cloudWatch, found.UsageMetric) };
    },
    elasticIpsInUse: async () => (await ec2.send(new DescribeAddressesCommand({}))).Addresses?.length ?? 0,
    vpcsInUse: async () => (await ec2.send(new DescribeVpcsCommand({}))).Vpcs?.length ?? 0,
    zones: async () => {
      const found = await ec2.send(
        new DescribeAvailabilityZonesCommand({ Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }] }),
      );
      return (found.AvailabilityZones ?? [])
        .filter((zone) => zone.State === 'available')
        .map((zone) => ({ name: zone.ZoneName ?? '', id: zone.ZoneId ?? '' }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    zonesWith: async (instanceType) => {
      const found = await ec2.send(
        new DescribeInstanceTypeOfferingsCommand({
          LocationType: 'availability-zone',
          Filters: [{ Name: 'instance-type', Values: [instanceType] }],
        }),
      );
      return (found.InstanceTypeOfferings ?? []).map((one) => one.Location ?? '').sort();
    },
    offersCacheNode: async (nodeType) => {
      // ElastiCache lists no types but by what may be reserved (API reference of DescribeReservedCacheNodesOfferings).
      const asked = new DescribeReservedCacheNodesOfferingsCommand({ CacheNodeType: nodeType, MaxRecords: 20 });
      const found =
        (await new ElastiCacheClient({ ...AWS_LIMITS, region }).send(asked)).ReservedCacheNodesOfferings ?? [];
      return found.some((one) => one.CacheNodeType === nodeType);
    },
    stack: (name) => stackOf(new CloudFormationClient({ ...AWS_LIMITS, region }), name),
    records: (zoneId, name) => recordsOf(new Route53Client({ ...AWS_LIMITS, region }), zoneId, name),
    certificate: async (arn, where) => {
      const client = new ACMClient({ ...AWS_LIMITS, region: where });
      const { Certificate: found } = await client.send(new DescribeCertificateCommand({ CertificateArn: arn }));
      const names = [found?.DomainName ?? '', ...(found?.SubjectAlternativeNames ?? [])];
      return { status: found?.Status ?? 'unknown', names: [...new Set(names.filter(Boolean))] };
    },
    hasRole: (name) => hasRole(new IAMClient({ ...AWS_LIMITS, region }), name),
    hostedZone: async (id) => {
      const { HostedZone: zone } = await new Route53Client({ ...AWS_LIMITS, region }).send(
        new GetHostedZoneCommand({ Id: id }),
      );
      return { name: (zone?.Name ?? '').replace(/\.$/, ''), isPrivate: zone?.Config?.PrivateZone ?? false };
    },
    bootstrapVersion: (where) => bootstrapVersionOf(new SSMClient({ ...AWS_LIMITS, region: where })),
  };
}
