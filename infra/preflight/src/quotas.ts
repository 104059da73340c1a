/** Quotas of an account: what is allowed, what is used, and what the stack takes besides. */
import type { Account } from './account.ts';
import { type Finding, finding, lacking, met } from './finding.ts';
import type { Need, Needs } from './needs.ts';

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

/** Quotas of which AWS keeps no series of use, or whose use is better counted. */
const COUNTED: Partial<Record<QuotaName, (account: Account) => Promise<number>>> = {
  elasticIps: (account) => account.elasticIpsInUse(),
  vpcs: (account) => account.vpcsInUse(),
};

/** @param isDeployed the stack is there: what it takes in between is in the account's use */
function quotaFinding(account: Account, name: QuotaName, need: Need, isDeployed: boolean): Promise<Finding> {
  const { service, code, name: title } = QUOTAS[name];
  return finding(title, async () => {
    const { allowed, used: byAws } = await account.quota(service, code);
    const used = (await COUNTED[name]?.(account)) ?? byAws;
    const others = Math.max(0, (used ?? 0) - (isDeployed ? need.steady : 0));
    const inUse = used === undefined ? 'use not known' : `${others} in use${isDeployed ? ' by others' : ''}`;
    const what = `${title}: ${need.peak} needed, ${inUse}, ${allowed} allowed`;
    const command = `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${Math.ceil(need.peak + others)}`;
    return need.peak + others <= allowed ? met(what) : lacking(what, command);
  });
}

/** One finding a quota that the stack takes something of. @param isDeployed the stack is there already */
export function quotaFindings(account: Account, needs: Needs, isDeployed: boolean): Promise<Finding>[] {
  const names = Object.keys(QUOTAS) as QuotaName[];
  return names
    .filter((name) => needs[name].peak > 0)
    .map((name) => quotaFinding(account, name, needs[name], isDeployed));
}
