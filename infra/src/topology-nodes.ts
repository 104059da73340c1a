import { topology } from '../topology/index.ts';
import { MediaFleet } from './media-fleet.ts';
import type { Recordings } from './recordings.ts';
import type { CacheAccess } from './session-cache.ts';
import type { TopologyContext } from './topology-context.ts';
import { given } from './topology-defaults.ts';
import { TurnFleet } from './turn-fleet.ts';

export function newTurnFleet(context: TopologyContext, directory: CacheAccess): TurnFleet {
  const { scope, props, profile, defaults, vpc } = context;
  const { domain, maxTurnNodes, turnImage, turnOptions, logRetention } = props;
  const minNodes = props.turnNodes ?? defaults.turnNodes;
  return new TurnFleet(scope, 'Turn', {
    vpc,
    directory,
    minNodes,
    maxNodes: maxTurnNodes ?? minNodes * 10,
    deletionProtection: profile.isProduction,
    ...defaults.turn,
    ...given(turnOptions),
    logRetention,
    turnHost: domain ? `turn.${domain.domainName}` : undefined,
    certificate: domain?.regionalCertificate,
    image: turnImage,
  });
}

/** What a fleet of media nodes needs of the parts made before it. */
export interface MediaFleetNeeds {
  readonly minNodes: number;
  readonly directory: CacheAccess;
  /** Name of the private namespace. */
  readonly namespace: string;
  readonly recordings: Recordings | undefined;
}

export function newMediaFleet({ scope, props, vpc }: TopologyContext, needs: MediaFleetNeeds): MediaFleet {
  const { minNodes, directory, namespace, recordings } = needs;
  const { maxMediaNodes, mediaImage, packagers, packagerImage, mediaOptions, logRetention } = props;
  const { auth, signaling } = topology;
  return new MediaFleet(scope, 'Media', {
    vpc,
    directory,
    // Within the VPC: limits that CloudFront and the load balancer set for callers are not for a node with many rooms.
    signalingUrl: `ws://signaling.${namespace}:${signaling.port}/ws/signal`,
    authUrl: `http://auth.${namespace}:${auth.port}`,
    recordings,
    minNodes,
    maxNodes: maxMediaNodes ?? minNodes * 10,
    ...given(mediaOptions),
    logRetention,
    image: mediaImage,
    packagers,
    packagerImage,
  });
}
