/** What the preflight reads of an AWS account, by the AWS SDK. Everything here only reads. */
import { ACMClient, DescribeCertificateCommand } from '@aws-sdk/client-acm';
import {
  DescribeAddressesCommand,
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeVpcsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

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

/** Each method throws what AWS answers; the checks say what that means. */
export interface Account {
  id(): Promise<string>;
  quota(service: string, code: string): Promise<number>;
  elasticIpsInUse(): Promise<number>;
  vpcsInUse(): Promise<number>;
  /** Zones of the region, in the order of their names. A name means another zone in each account; an id means the same everywhere. */
  zones(): Promise<readonly Zone[]>;
  /** Zones that offer this instance type. */
  zonesWith(instanceType: string): Promise<readonly string[]>;
  /** @param region where the certificate is */
  certificate(arn: string, region: string): Promise<Certificate>;
  hostedZone(id: string): Promise<{ readonly name: string; readonly isPrivate: boolean }>;
  /** Version of `cdk bootstrap` in a region; undefined: never done. */
  bootstrapVersion(region: string): Promise<number | undefined>;
}

/** The account of the usual credentials (environment, profile, SSO). */
export function accountOf(region: string): Account {
  const ec2 = new EC2Client({ region });
  return {
    id: async () => (await new STSClient({ region }).send(new GetCallerIdentityCommand({}))).Account ?? '',
    quota: async (service, code) => {
      const asked = new GetServiceQuotaCommand({ ServiceCode: service, QuotaCode: code });
      const value = (await new ServiceQuotasClient({ region }).send(asked)).Quota?.Value;
      if (value === undefined) throw new Error(`quota ${code} of ${service} has no value`);
      return value;
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
    certificate: async (arn, where) => {
      const client = new ACMClient({ region: where });
      const { Certificate: found } = await client.send(new DescribeCertificateCommand({ CertificateArn: arn }));
      const names = [found?.DomainName ?? '', ...(found?.SubjectAlternativeNames ?? [])];
      return { status: found?.Status ?? 'unknown', names: [...new Set(names.filter(Boolean))] };
    },
    hostedZone: async (id) => {
      const { HostedZone: zone } = await new Route53Client({ region }).send(new GetHostedZoneCommand({ Id: id }));
      return { name: (zone?.Name ?? '').replace(/\.$/, ''), isPrivate: zone?.Config?.PrivateZone ?? false };
    },
    bootstrapVersion: async (where) => {
      try {
        const asked = new GetParameterCommand({ Name: '/cdk-bootstrap/hnb659fds/version' });
        return Number((await new SSMClient({ region: where }).send(asked)).Parameter?.Value);
      } catch (error) {
        if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
        throw error;
      }
    },
  };
}
