import { Token } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { ENGINES, HTTP_DEFAULTS, portsNeeded } from '../media-node/src/config.ts';
import { topology } from '../topology/index.ts';
import { check, checkInteger, checkSeconds } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import { checkProps } from './check-props.ts';
import { checkNodeFleet, type NodeFleetProps, type NodeFleetRules } from './node-fleet-props.ts';
import type { Recordings } from './recordings.ts';
import type { CacheAccess } from './session-cache.ts';
import type { MediaOptions } from './topology-options.ts';

/** Properties of {@link MediaFleet}. */
export interface MediaFleetProps extends NodeFleetProps, MediaOptions {
  /** Where nodes write themselves down, as {@link MediaDirectory.access}. Signaling reads the same cache. */
  readonly directory: CacheAccess;
  /** Where nodes join the rooms that they serve: wss://calls.example.com/ws/signal, or ws:// and a name in the VPC. */
  readonly signalingUrl: string;
  /** Where nodes ask for tokens: https://calls.example.com, or http:// and a name in the VPC. */
  readonly authUrl: string;
  /**
   * How many proxies in front of the streams' HTTP port append to X-Forwarded-For.
   * @default 2 - CloudFront and the load balancer
   */
  readonly trustedProxies?: number;
  /**
   * Shared with auth ({@link AuthServiceProps.mediaSecret}), which gives tokens for rooms to each holder: 43 letters and digits, as
   * plain text. Both sides read it when they start.
   * @default - generated
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * Rooms that each node's packager makes HLS of at once, for viewers past what a node takes (docs/streams.md); each takes about half a core. 0: there is
   * no packager.
   * @default 0
   */
  readonly packagers?: number;
  /**
   * The packager's container, with ffmpeg.
   * @default - built from infra/hls-packager when deployed
   */
  readonly packagerImage?: ecs.ContainerImage;
  /**
   * Where recordings are kept; signaling gets the same. Without it nothing is recorded.
   * @default - none
   */
  readonly recordings?: Recordings;
}

export const MEDIA_FLEET: NodeFleetRules = {
  kind: 'MediaFleet',
  nodes: 'media nodes',
  fewest: 2,
  most: 20,
  instanceType: 'c7gn.large',
};

/** @throws Error naming the property and the fix */
export function checkMediaFleet(props: MediaFleetProps): void {
  const { kind } = MEDIA_FLEET;
  checkProps(kind, 'MediaFleetProps', props);
  checkCacheUrl(kind, 'directory', props.directory.url);
  checkInteger(kind, 'trustedProxies', props.trustedProxies, 0, 10);
  for (const [name, schemes, example] of [
    ['signalingUrl', ['wss:', 'ws:'], 'wss://calls.example.com/ws/signal'],
    ['authUrl', ['https:', 'http:'], 'https://calls.example.com'],
  ] as const) {
    const value = props[name];
    check(
      Token.isUnresolved(value) ||
        (URL.canParse(value) && schemes.some((scheme) => scheme === new URL(value).protocol)),
      kind,
      name,
      `"${value}" is no address with ${schemes.join(' or ')}`,
      `such as ${example}`,
    );
  }
  checkNodeFleet(props, MEDIA_FLEET);
  const [low, high] = topology.media.mediaPorts;
  // The rest of an engine's ports is that of streams over HTTP.
  const most = Math.floor((high - low + 1) / ENGINES) - portsNeeded({ ...HTTP_DEFAULTS, MAX_LEGS: 0 });
  checkInteger(kind, 'maxLegs', props.maxLegs, 1, most);
  checkInteger(kind, 'packagers', props.packagers, 0, 100);
  checkInteger(kind, 'maxPublishers', props.maxPublishers, 2, 1000);
  checkSeconds(kind, 'drainTimeout', props.drainTimeout, 60, 3300, 'an update of the service waits as long');
}
