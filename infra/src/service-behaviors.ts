/** How CloudFront passes paths on to the services behind the load balancer. */
import { Duration } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { type Edge, NETWORK_HEADER } from './edge.ts';
import { globalName } from './global-name.ts';

/** Of streams that are watched; their segments are below. */
const WHEP = '/whep';
/** What a load balancer sends on by rules of its owner, without Edge.addService, as it always was. */
const ALWAYS = [...topology.auth.routes, ...topology.signaling.routes].map((route) => `${route}*`);

/** Whether CloudFront sends `pattern` where it sends one of `patterns` already; all of them go to one origin. */
const isCovered = (pattern: string, patterns: ReadonlySet<string>) =>
  [...patterns].some((one) => one === pattern || (one.endsWith('*') && pattern.startsWith(one.slice(0, -1))));

/** Where the services are, and which paths are theirs. */
export interface ServiceBehaviors {
  readonly origin: cloudfront.IOrigin;
  readonly edge: Edge;
  /** Default: what the edge has, now and later. */
  readonly patterns: readonly string[] | undefined;
  readonly functionAssociations: cloudfront.FunctionAssociation[];
}

/** Adds a behavior for each path pattern of the services, in their order: CloudFront takes the first that matches. */
export function serviceBehaviors(scope: Construct, distribution: cloudfront.Distribution, of: ServiceBehaviors): void {
  const behavior: cloudfront.AddBehaviorOptions = {
    viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
    allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
    cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
    // With the viewer's Host the 101 upgrade broke for others.
    originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
    functionAssociations: of.functionAssociations,
    compress: false,
  };
  const added = new Set<string>();
  const add = (pattern: string, how = behavior): void => {
    distribution.addBehavior(pattern, of.origin, how);
    added.add(pattern);
  };
  const send = (pattern: string): void => {
    if (pattern === `${WHEP}*`) {
      add(`${WHEP}/*/hls/*/*`, segments(scope, behavior));
      add(`${WHEP}/*/hls/live.m3u8`, playlists(scope, behavior));
    }
    add(pattern);
  };
  for (const pattern of of.patterns ?? ALWAYS) send(pattern);
  if (of.patterns) return;
  // A service whose page's origin is this distribution's can be added to the edge only after both were made.
  of.edge._eachPattern((pattern) => {
    if (!isCovered(pattern, added)) send(pattern);
  });
}

/** Segments of HLS never change, want no token, and are found by an id that only the playlist names: each is asked for once, for all viewers. */
function segments(parent: Construct, behavior: cloudfront.AddBehaviorOptions): cloudfront.AddBehaviorOptions {
  const scope = new Construct(parent, 'Segments');
  return {
    ...behavior,
    allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD,
    // By the path alone, for as long as the media node says.
    cachePolicy: new cloudfront.CachePolicy(scope, 'Cache', {
      comment: 'Segments of HLS',
      cachePolicyName: globalName(scope, 128),
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.minutes(1),
    }),
    originRequestPolicy: new cloudfront.OriginRequestPolicy(scope, 'Request', {
      comment: 'The network of the viewer',
      originRequestPolicyName: globalName(scope, 128),
      headerBehavior: cloudfront.OriginRequestHeaderBehavior.allowList(NETWORK_HEADER),
    }),
  };
}

/** Playlists of HLS want a token each time, so none is kept; what they wait for (RFC 8216bis, 6.2.5.2) is all that passes of the query. */
function playlists(parent: Construct, behavior: cloudfront.AddBehaviorOptions): cloudfront.AddBehaviorOptions {
  const scope = new Construct(parent, 'Playlists');
  return {
    ...behavior,
    allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
    originRequestPolicy: new cloudfront.OriginRequestPolicy(scope, 'Request', {
      comment: 'Playlists of HLS',
      originRequestPolicyName: globalName(scope, 128),
      headerBehavior: cloudfront.OriginRequestHeaderBehavior.denyList('host'),
      queryStringBehavior: cloudfront.OriginRequestQueryStringBehavior.allowList('_HLS_msn', '_HLS_part'),
    }),
  };
}
