import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { checkInteger, checkSeconds } from './check.ts';
import { checkProps } from './check-props.ts';

/**
 * How long CloudFront keeps a connection to the load balancer that it may use again, and how long it waits for an answer, s. The load balancer must wait longer, or
 * callers get a 502 now and then; signaling's pings, every 25 s at most, are within it.
 */
export const ORIGIN_SECONDS = 60;

/** Properties of {@link Edge}. */
export interface EdgeProps {
  /** Where: a VPC with an internet gateway, which CloudFront requires of a VPC origin although no traffic passes through it. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of the load balancer, in two zones at least. It has no public address.
   * @default - isolated subnets, or private ones where there are none
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Idle timeout: 61 to 4000 s, so above the 60 s of CloudFront, and below the services' own keep-alive.
   * @default Duration.seconds(400)
   */
  readonly idleTimeout?: Duration;
  /**
   * Requests an IPv4 address or IPv6 /64 may make in five minutes, those of backends (`apiRateLimit`) not counted.
   * @default 3000
   */
  readonly rateLimit?: number;
  /**
   * Requests to /auth without an API key an IPv4 address or IPv6 /64 may make in five minutes.
   * @default 600
   */
  readonly authRateLimit?: number;
  /**
   * Requests to the server API (/v1), and to /auth with an API key, an IPv4 address or IPv6 /64 may make in five minutes. It is there for floods: the services limit
   * each key themselves, so give no less than they allow.
   * @default 90_000 - 300 a second: what three signaling tasks take of one address, twice API_REQUESTS_PER_SECOND each; auth takes 100 a second with one key
   */
  readonly apiRateLimit?: number;
  /**
   * Playlists of streams (HLS) an IPv4 address or IPv6 /64 may ask for in five minutes, which a viewer does twice a second, with the parts and segments that
   * CloudFront does not have; they then count for no other limit. It is a rule of its own, $1 a month.
   * @default - 75,000 with media nodes that have packagers (Edge.addStreams): what a media node takes of one address. Else none: they count among all requests
   */
  readonly playlistRateLimit?: number;
  /**
   * How long the logs of the web ACL are kept. (Access logs are in a bucket, for 90 days.)
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * Refuse deletion of the load balancer.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * Keep access logs in a bucket of their own. The query string holds no token: CloudFront's function moves it to a header.
   * @default true
   */
  readonly accessLogs?: boolean;
  /**
   * What happens to the log bucket when the stack goes.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** @throws Error naming the property and the fix */
export function checkEdge(props: EdgeProps): void {
  checkProps('Edge', 'EdgeProps', props);
  checkSeconds(
    'Edge',
    'idleTimeout',
    props.idleTimeout,
    ORIGIN_SECONDS + 1,
    4000,
    'above CloudFront’s keep-alive, and ALB’s limit',
  );
  checkInteger('Edge', 'rateLimit', props.rateLimit, 10, 2_000_000_000);
  checkInteger('Edge', 'authRateLimit', props.authRateLimit, 10, 2_000_000_000);
  checkInteger('Edge', 'apiRateLimit', props.apiRateLimit, 10, 2_000_000_000);
  checkInteger('Edge', 'playlistRateLimit', props.playlistRateLimit, 10, 2_000_000_000);
}
