/** What an account lacks for a deployment: one finding a need. */
import type { Account } from './account.ts';
import { type Finding, finding, lacking, met } from './finding.ts';
import { recordFindings, stackFinding } from './names.ts';
import type { NeededDomain, Needs } from './needs.ts';
import { quotaFindings } from './quotas.ts';

/** CloudFront reads certificates of this region only. */
const CLOUDFRONT_REGION = 'us-east-1';
/** What the templates of aws-cdk-lib 2.276 ask for (DefaultStackSynthesizer, MIN_BOOTSTRAP_STACK_VERSION). */
export const BOOTSTRAP_VERSION = 6;

/**
 * Zones in which CloudFront makes no VPC origin, although their region has them. CloudFront developer guide, "Restrict access with VPC origins",
 * "Supported AWS Regions for VPC origins", read in November 2026.
 */
const WITHOUT_VPC_ORIGINS = ['use1-az3', 'usw1-az2', 'apne1-az3', 'cac1-az3'];

/** CDK takes the first zones of the region, whatever they offer. */
function zoneFindings(account: Account, needs: Needs): Promise<Finding>[] {
  const { region, zones, instanceTypes, cacheNodeType } = needs;
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
    finding(cacheNodeType, async () =>
      (await account.offersCacheNode(cacheNodeType))
        ? met(`${cacheNodeType} is offered in ${region}`)
        : lacking(
            `${cacheNodeType} is not offered in ${region}`,
            'another node type (cacheOptions), or another region',
          ),
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
  const { name, certificateArn, regionalCertificateArn, hostedZoneId, sharedName } = domain;
  const findings = [
    certificateFinding(account, certificateArn, CLOUDFRONT_REGION, [name]),
    certificateFinding(account, regionalCertificateArn, region, [`turn.${name}`, ...(sharedName ? [sharedName] : [])]),
  ];
  if (hostedZoneId === undefined)
    return sharedName
      ? [...findings, Promise.resolve(lacking(`${sharedName} has no zone`, 'a shared name needs --hosted-zone-id'))]
      : findings;
  const zone = finding(`zone ${hostedZoneId}`, async () => {
    const { name: zoneName, isPrivate } = await account.hostedZone(hostedZoneId);
    if (isPrivate) return lacking(`the zone ${zoneName} is private`, 'give the public one');
    const wanted = [name, ...(sharedName ? [sharedName] : [])];
    const outside = wanted.filter((one) => one !== zoneName && !one.endsWith(`.${zoneName}`));
    return outside.length === 0
      ? met(`the zone ${zoneName} holds ${wanted.join(', ')}`)
      : lacking(`the zone ${zoneName} does not hold ${outside.join(', ')}`, 'give the zone of that name');
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

/**
 * A new account gets this role with its first cluster, and ECS cannot use it in that moment: the first stack fails at a cluster or capacity provider, and its second
 * try succeeds. aws-cloudformation/cloudformation-coverage-roadmap #818, aws/containers-roadmap #631.
 */
function ecsRoleFinding(account: Account): Promise<Finding> {
  const name = 'AWSServiceRoleForECS';
  return finding(`role ${name}`, async () =>
    (await account.hasRole(name))
      ? met(`ECS has its role in this account`)
      : lacking(
          `ECS has no role in this account yet (${name}), and its first cluster may fail for it`,
          'aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com',
        ),
  );
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
  const { isDeployed, found } = await stackFinding(account, needs);
  return Promise.all([
    identity,
    found,
    bootstrapFinding(account, region),
    ecsRoleFinding(account),
    ...zoneFindings(account, needs),
    ...quotaFindings(account, needs, isDeployed),
    ...(domain ? [...domainFindings(account, region, domain), ...recordFindings(account, domain, isDeployed)] : []),
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
