/** What an account lacks for a deployment: one finding a need. */
import type { Account } from './account.ts';
import type { NeededDomain, Needs } from './needs.ts';

export type Finding =
  | { readonly state: 'met'; readonly what: string }
  | { readonly state: 'lacking'; readonly what: string; readonly fix: string }
  /** It could not be read; a permission is missing, most often. */
  | { readonly state: 'unknown'; readonly what: string; readonly fix: string };

/** CloudFront reads certificates of this region only. */
const CLOUDFRONT_REGION = 'us-east-1';
/** What the templates of aws-cdk-lib 2.276 ask for (DefaultStackSynthesizer, MIN_BOOTSTRAP_STACK_VERSION). */
export const BOOTSTRAP_VERSION = 6;

/** Quota codes as Service Quotas lists them (`aws service-quotas list-service-quotas`), read in November 2026. */
const QUOTAS = {
  fargateVcpus: { service: 'fargate', code: 'L-3032A538', name: 'Fargate On-Demand vCPU resource count' },
  instanceVcpus: { service: 'ec2', code: 'L-1216C47A', name: 'Running On-Demand Standard instances (vCPUs)' },
  elasticIps: { service: 'ec2', code: 'L-0263D0A3', name: 'EC2-VPC Elastic IPs' },
  vpcs: { service: 'vpc', code: 'L-F678F1CE', name: 'VPCs per Region' },
  natGateways: { service: 'vpc', code: 'L-FE5A380F', name: 'NAT gateways per Availability Zone' },
  cacheNodes: { service: 'elasticache', code: 'L-DFE45DF3', name: 'ElastiCache nodes per Region' },
  applicationLoadBalancers: {
    service: 'elasticloadbalancing',
    code: 'L-53DA6B97',
    name: 'Application Load Balancers per Region',
  },
  networkLoadBalancers: {
    service: 'elasticloadbalancing',
    code: 'L-69A177A2',
    name: 'Network Load Balancers per Region',
  },
} as const;
type QuotaName = keyof typeof QUOTAS;

const met = (what: string): Finding => ({ state: 'met', what });
const lacking = (what: string, fix: string): Finding => ({ state: 'lacking', what, fix });

/** Runs one check; what AWS refuses to tell becomes `unknown`. */
async function finding(subject: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
    return { state: 'unknown', what: `${subject}: ${reason}`, fix: 'let these credentials read it, or look by hand' };
  }
}

/** @param inUse what the account uses already; the sum must fit. Default: none that is known */
function quotaFinding(
  account: Account,
  name: QuotaName,
  need: number,
  inUse?: () => Promise<number>,
): Promise<Finding> {
  const { service, code, name: title } = QUOTAS[name];
  return finding(title, async () => {
    const [allowed, used] = await Promise.all([account.quota(service, code), inUse?.() ?? 0]);
    const what = `${title}: ${need} needed${inUse ? `, ${used} in use` : ''}, ${allowed} allowed`;
    const command = `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${Math.ceil(need + used)}`;
    return need + used <= allowed ? met(what) : lacking(what, command);
  });
}

function quotaFindings(account: Account, needs: Needs): Promise<Finding>[] {
  const wanted: [QuotaName, number, (() => Promise<number>)?][] = [
    ['fargateVcpus', needs.fargateVcpus],
    ['instanceVcpus', needs.instanceVcpus],
    ['elasticIps', needs.elasticIps, () => account.elasticIpsInUse()],
    ['vpcs', 1, () => account.vpcsInUse()],
    ['natGateways', needs.elasticIps > 0 ? 1 : 0],
    ['cacheNodes', needs.cacheNodes],
    ['applicationLoadBalancers', needs.applicationLoadBalancers],
    ['networkLoadBalancers', needs.networkLoadBalancers],
  ];
  return wanted.filter(([, need]) => need > 0).map(([name, need, inUse]) => quotaFinding(account, name, need, inUse));
}

/**
 * Zones in which CloudFront makes no VPC origin, although their region has them. CloudFront developer guide, "Restrict access with VPC origins",
 * "Supported AWS Regions for VPC origins", read in November 2026.
 */
const WITHOUT_VPC_ORIGINS = ['use1-az3', 'usw1-az2', 'apne1-az3', 'cac1-az3'];

/** CDK takes the first zones of the region, whatever they offer. */
function zoneFindings(account: Account, needs: Needs): Promise<Finding>[] {
  const { region, zones, instanceTypes } = needs;
  return [
    finding('zones', async () => {
      const found = await account.zones();
      const what = `${region} has ${found.length} zones, ${zones} needed`;
      return found.length >= zones ? met(what) : lacking(what, `-c zones=${found.length}, or another region`);
    }),
    finding('zones of the load balancer', async () => {
      const first = (await account.zones()).slice(0, zones);
      const without = first.filter(({ id }) => WITHOUT_VPC_ORIGINS.includes(id));
      return without.length === 0
        ? met('CloudFront makes VPC origins in these zones')
        : lacking(
            `CloudFront makes no VPC origin in ${without.map(({ name, id }) => `${name} (${id})`).join(', ')}`,
            'another region, fewer zones (development takes 2), or a VPC of yours (`vpc`) without that zone',
          );
    }),
    ...instanceTypes.map((type) =>
      finding(type, async () => {
        const [all, offering] = await Promise.all([account.zones(), account.zonesWith(type)]);
        const first = all.slice(0, zones).map(({ name }) => name);
        const without = first.filter((name) => !offering.includes(name));
        return without.length === 0
          ? met(`${type} is offered in ${first.join(', ')}`)
          : lacking(
              `${type} is not offered in ${without.join(', ')}`,
              'another instance type (turnOptions, mediaOptions), fewer zones, or another region',
            );
      }),
    ),
  ];
}

/** Does a certificate for `pattern` hold for `name`? A wildcard stands for one label (RFC 6125 section 6.4.3). */
export function covers(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  return pattern.startsWith('*.') && name.split('.').slice(1).join('.') === pattern.slice(2);
}

function certificateFinding(account: Account, arn: string, region: string, names: readonly string[]): Promise<Finding> {
  return finding(`certificate ${arn}`, async () => {
    const of = arn.split(':')[3];
    if (of !== region) return lacking(`the certificate ${arn} is in ${of}`, `ask ACM for one in ${region}`);
    const { status, names: covered } = await account.certificate(arn, region);
    if (status !== 'ISSUED')
      return lacking(`the certificate for ${names.join(', ')} is ${status}`, 'make the DNS record that ACM asks for');
    const missing = names.filter((name) => !covered.some((pattern) => covers(pattern, name)));
    return missing.length === 0
      ? met(`the certificate in ${region} holds for ${names.join(', ')}`)
      : lacking(
          `the certificate in ${region} does not hold for ${missing.join(', ')}`,
          `ask ACM for one with ${names.join(', ')}`,
        );
  });
}

function domainFindings(account: Account, region: string, domain: NeededDomain): Promise<Finding>[] {
  const { name, certificateArn, regionalCertificateArn, hostedZoneId } = domain;
  const findings = [
    certificateFinding(account, certificateArn, CLOUDFRONT_REGION, [name]),
    certificateFinding(account, regionalCertificateArn, region, [`turn.${name}`]),
  ];
  if (hostedZoneId === undefined) return findings;
  const zone = finding(`zone ${hostedZoneId}`, async () => {
    const { name: zoneName, isPrivate } = await account.hostedZone(hostedZoneId);
    if (isPrivate) return lacking(`the zone ${zoneName} is private`, 'give the public one');
    return name === zoneName || name.endsWith(`.${zoneName}`)
      ? met(`the zone ${zoneName} holds ${name}`)
      : lacking(`the zone ${zoneName} does not hold ${name}`, 'give the zone of that name');
  });
  return [...findings, zone];
}

function bootstrapFinding(account: Account, region: string): Promise<Finding> {
  return finding(`bootstrap of ${region}`, async () => {
    const version = await account.bootstrapVersion(region);
    if (version === undefined)
      return lacking(`${region} was never bootstrapped`, `npx cdk bootstrap aws://${await account.id()}/${region}`);
    return version >= BOOTSTRAP_VERSION
      ? met(`${region} is bootstrapped (version ${version})`)
      : lacking(
          `${region} is bootstrapped with version ${version}, ${BOOTSTRAP_VERSION} needed`,
          'npx cdk bootstrap again',
        );
  });
}

/** AWS tells everybody who they are, without a permission (API reference of GetCallerIdentity): where it does not, no other answer comes either. */
async function identityFinding(account: Account): Promise<Finding> {
  const found = await finding('credentials', async () => met(`account ${await account.id()}`));
  if (found.state === 'met') return found;
  return { ...found, fix: 'aws configure, aws sso login or AWS_PROFILE; then aws sts get-caller-identity answers' };
}

/** Everything that can be read before a deployment. Never throws for what one check cannot read. */
export async function preflight(account: Account, needs: Needs): Promise<Finding[]> {
  const { domain, production, region } = needs;
  const identity = await identityFinding(account);
  if (identity.state !== 'met') return [identity];
  return Promise.all([
    identity,
    bootstrapFinding(account, region),
    ...zoneFindings(account, needs),
    ...quotaFindings(account, needs),
    ...(domain ? domainFindings(account, region, domain) : []),
    ...(production && !domain
      ? [lacking('production needs a domain', '--domain, --certificate-arn, --regional-certificate-arn')]
      : []),
  ]);
}

const MARKS: Record<Finding['state'], string> = { met: '✓', lacking: '✗', unknown: '?' };

/** One line a finding, the fix below those that have one. */
export function preflightText(findings: readonly Finding[]): string {
  const lines = findings.flatMap((one) => [
    `${MARKS[one.state]} ${one.what}`,
    ...(one.state === 'met' ? [] : [`    Fix: ${one.fix}`]),
  ]);
  const count = (state: Finding['state']) => findings.filter((one) => one.state === state).length;
  return [...lines, `${count('met')} met, ${count('lacking')} lacking, ${count('unknown')} unknown`].join('\n');
}
