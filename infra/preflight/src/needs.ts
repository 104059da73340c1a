/** What a deployment of one profile needs of an account, from the topology and the same numbers as the constructs. */
import { topology } from '../../topology/index.ts';

export interface Needs {
  readonly production: boolean;
  readonly region: string;
  /** Availability zones. */
  readonly zones: number;
  /** vCPUs of Fargate while a release runs old and new tasks beside each other. */
  readonly fargateVcpus: number;
  /** vCPUs of TURN and media instances while each is replaced. */
  readonly instanceVcpus: number;
  /** Each must be offered in the zones. */
  readonly instanceTypes: readonly string[];
  /** One a NAT gateway. */
  readonly elasticIps: number;
  readonly cacheNodes: number;
  readonly applicationLoadBalancers: number;
  readonly networkLoadBalancers: number;
  readonly domain?: NeededDomain;
}

export interface NeededDomain {
  readonly name: string;
  /** In us-east-1, for the page. */
  readonly certificateArn: string;
  /** In the region of the stack, for `turn.<name>`. */
  readonly regionalCertificateArn: string;
  /** Zone in which the names are made; absent: somebody points them by hand. */
  readonly hostedZoneId?: string;
}

export interface Sizes {
  readonly zones?: number;
  readonly signalingTasks?: number;
  readonly turnNodes?: number;
  readonly mediaNodes?: number;
  readonly cacheShards?: number;
  /** The events service too. Default false. */
  readonly events?: boolean;
}

/** @param sizes as the context values of `cdk deploy`; unset: their defaults */
export function needsOf(
  profile: 'development' | 'production',
  region: string,
  sizes: Sizes = {},
  domain?: NeededDomain,
): Needs {
  const production = profile === 'production';
  const zones = sizes.zones ?? (production ? 3 : 2);
  // infra/src/webrtc-topology.ts: 1 vCPU a task in production, a quarter in development.
  const vcpusPerTask = production ? 1 : 0.25;
  const tasks = topology.auth.replicas[profile] + (sizes.signalingTasks ?? topology.signaling.replicas[profile]);
  // infra/src/topology-defaults.ts: half a vCPU a task in production.
  const eventsVcpus = sizes.events ? topology.hooks.replicas[profile] * (production ? 0.5 : 0.25) : 0;
  const turnNodes = sizes.turnNodes ?? (production ? zones : 1);
  const mediaNodes = sizes.mediaNodes ?? 0;
  return {
    production,
    region,
    zones,
    // A rollout runs up to 200 % of the tasks; the canary is a quarter more.
    fargateVcpus: 2 * (tasks * vcpusPerTask + eventsVcpus) + 0.25,
    // c7gn.medium has one, t4g.micro and c7gn.large two (EC2 instance types, November 2026); a replacement starts before the old one goes.
    instanceVcpus: 2 * (turnNodes * (production ? 1 : 2) + mediaNodes * 2),
    instanceTypes: [production ? 'c7gn.medium' : 't4g.micro', ...(mediaNodes > 0 ? ['c7gn.large'] : [])],
    elasticIps: production ? zones : 0,
    cacheNodes: (sizes.cacheShards ?? (production ? 2 : 1)) * (production ? zones : 1),
    applicationLoadBalancers: 1,
    networkLoadBalancers: domain ? 1 : 0,
    ...(domain ? { domain } : {}),
  };
}
