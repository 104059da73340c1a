import { Token } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { topology } from '../topology/index.ts';
import { check, checkDomain, checkInteger, checkSeconds } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import { checkProps } from './check-props.ts';
import { checkNodeFleet, type NodeFleetProps, type NodeFleetRules } from './node-fleet-props.ts';
import type { CacheAccess } from './session-cache.ts';
import type { TurnOptions } from './topology-options.ts';

/** Properties of {@link TurnFleet}. */
export interface TurnFleetProps extends NodeFleetProps, TurnOptions {
  /**
   * Where nodes write themselves down, as {@link TurnDirectory.access}.
   * @default - no directory; tell your auth the addresses by `turnHost`
   */
  readonly directory?: CacheAccess;
  /**
   * The shared secret with auth: JSON with `sign` (what auth signs with) and `accept` (what nodes take besides).
   * @default - generated, and rotated every `secretRotation`
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * Realm.
   * @default 'tandem'
   */
  readonly realm?: string;
  /**
   * Name of the fleet for `turns:`, with `certificate`. Point it at {@link TurnFleet.tlsLoadBalancer}.
   * @default - no TLS
   */
  readonly turnHost?: string;
  /**
   * Certificate of `turnHost`, in this region. TLS ends at a network load balancer, so that no node holds a private key.
   * @default - no TLS
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Refuse deletion of the load balancer for turns:.
   * @default true
   */
  readonly deletionProtection?: boolean;
}

export const TURN_FLEET: NodeFleetRules = {
  kind: 'TurnFleet',
  nodes: 'relays',
  fewest: 3,
  most: 30,
  instanceType: 'c7gn.medium',
};

/** @throws Error naming the property and the fix */
export function checkTurnFleet(props: TurnFleetProps): void {
  const { kind } = TURN_FLEET;
  checkProps(kind, 'TurnFleetProps', props);
  if (props.directory) checkCacheUrl(kind, 'directory', props.directory.url);
  checkNodeFleet(props, TURN_FLEET);
  checkDomain(kind, 'turnHost', props.turnHost);
  check(
    (props.certificate === undefined) === (props.turnHost === undefined),
    kind,
    props.certificate ? 'turnHost' : 'certificate',
    'turnHost and certificate go together',
    'give both or neither',
  );
  checkInteger(kind, 'maxBytesPerSecond', props.maxBytesPerSecond, 8_000, 125_000_000);
  checkInteger(kind, 'userQuota', props.userQuota, 1, 1000);
  const [low, high] = topology.turn.relayPorts;
  checkInteger(kind, 'totalQuota', props.totalQuota, 1, high - low + 1);
  checkSeconds(kind, 'drainTimeout', props.drainTimeout, 60, 48 * 3600, 'a lifecycle hook lasts 48 h at most');
  checkSeconds(kind, 'secretRotation', props.secretRotation, 4 * 3600, 365 * 86_400, "Secrets Manager's limits");
  check(
    props.realm === undefined || Token.isUnresolved(props.realm) || /^[a-z0-9.-]{1,127}$/.test(props.realm),
    kind,
    'realm',
    `"${props.realm}" does not fit`,
    'lower-case letters, digits, dots and hyphens',
  );
}
