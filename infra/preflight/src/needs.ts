/** What a deployment of one profile needs of an account, from the topology and the same numbers as the constructs. */
import { topologyDefaults } from '../../src/topology-defaults.ts';
import { topology } from '../../topology/index.ts';

/** How much of one quota the stack takes. */
export interface Need {
  /** At most, while a release replaces what runs. */
  readonly peak: number;
  /** In between. A stack that is deployed already is in the account's use with it. */
  readonly steady: number;
}

export interface Needs {
  readonly production: boolean;
  readonly region: string;
  readonly stackName: string;
  /** Availability zones. */
  readonly zones: number;
  /** vCPUs of Fargate; a release runs old and new tasks beside each other. */
  readonly fargateVcpus: Need;
  /** vCPUs of TURN and media instances; a release replaces each. */
  readonly instanceVcpus: Need;
  /** Each must be offered in the zones. */
  readonly instanceTypes: readonly string[];
  /** One a NAT gateway. */
  readonly elasticIps: Need;
  readonly cacheNodes: Need;
  /** Must be offered in the region. */
  readonly cacheNodeType: string;
  readonly vpcs: Need;
  /** In each zone. */
  readonly natGateways: Need;
  readonly applicationLoadBalancers: Need;
  readonly networkLoadBalancers: Need;
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
  /** Name that several regions share. */
  readonly sharedName?: string;
}

export interface Sizes {
  readonly zones?: number;
  readonly signalingTasks?: number;
  readonly turnNodes?: number;
  readonly mediaNodes?: number;
  readonly cacheShards?: number;
  /** The events service too. Default false. */
  readonly events?: boolean;
  /** Captions too, with a recognizer in each task. Default false. */
  readonly captions?: boolean;
  /** Recordings, and the composer that makes files of them. Default false. */
  readonly recordings?: boolean;
  /** Name of the stack. Default `Tandem`. */
  readonly stackName?: string;
}

const always = (count: number): Need => ({ peak: count, steady: count });
/** The canary's task. */
const CANARY_VCPUS = 0.25;
/** Two composers of two vCPUs (infra/src/composer-task.ts): one that an ended recording starts and the hourly sweep. Each that ends meanwhile starts one more. */
const COMPOSER_VCPUS = 4;

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
  // infra/src/captions-service.ts: two vCPUs with a recognizer.
  const captionsVcpus = sizes.captions ? topology.captions.replicas[profile] * 2 : 0;
  const turnNodes = sizes.turnNodes ?? (production ? zones : 1);
  const mediaNodes = sizes.mediaNodes ?? 0;
  const services = tasks * vcpusPerTask + eventsVcpus + captionsVcpus;
  const byTheClock = CANARY_VCPUS + (sizes.recordings ? COMPOSER_VCPUS : 0);
  // c7gn.medium has one, t4g.micro and c7gn.large two (EC2 instance types, November 2026).
  const instances = turnNodes * (production ? 1 : 2) + mediaNodes * 2;
  const defaults = topologyDefaults(profile, zones);
  return {
    production,
    region,
    stackName: sizes.stackName ?? 'Tandem',
    zones,
    // A rollout runs up to 200 % of the tasks; instances are replaced by new ones before the old ones go.
    fargateVcpus: { peak: 2 * services + byTheClock, steady: services + CANARY_VCPUS },
    instanceVcpus: { peak: 2 * instances, steady: instances },
    instanceTypes: [production ? 'c7gn.medium' : 't4g.micro', ...(mediaNodes > 0 ? ['c7gn.large'] : [])],
    elasticIps: always(production ? zones : 0),
    cacheNodes: always((sizes.cacheShards ?? defaults.cacheShards) * (defaults.cache.replicasPerShard + 1)),
    cacheNodeType: defaults.cache.nodeType,
    vpcs: always(1),
    natGateways: always(production ? 1 : 0),
    applicationLoadBalancers: always(1),
    networkLoadBalancers: always(domain ? 1 : 0),
    ...(domain ? { domain } : {}),
  };
}
