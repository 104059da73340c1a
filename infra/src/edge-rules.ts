import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import { REQUESTS_OF_ADDRESS } from '../hls-packager/src/hls-times.ts';

/** How long rate rules look back, s. */
export const ACL_SECONDS = 300;
/** Playlists, parts and segments that one network may ask for in that time: no fewer than a media node answers. */
export const PLAYLISTS_OF_NETWORK = ACL_SECONDS * REQUESTS_OF_ADDRESS;

/** `/whep/<room>/hls/live.m3u8`, and what it names, as far as no cache has it. */
const HLS: wafv2.CfnWebACL.StatementProperty = {
  regexMatchStatement: {
    fieldToMatch: { uriPath: {} },
    regexString: '^/whep/[^/]+/hls/[^/]+',
    textTransformations: [{ priority: 0, type: 'NONE' }],
  },
};

const startsWith = (searchString: string): wafv2.CfnWebACL.StatementProperty => ({
  byteMatchStatement: {
    fieldToMatch: { uriPath: {} },
    positionalConstraint: 'STARTS_WITH',
    searchString,
    textTransformations: [{ priority: 0, type: 'NORMALIZE_PATH' }],
  },
});
const not = (statement: wafv2.CfnWebACL.StatementProperty) => ({ notStatement: { statement } });
const and = (...statements: wafv2.CfnWebACL.StatementProperty[]) => ({ andStatement: { statements } });
const or = (...statements: wafv2.CfnWebACL.StatementProperty[]) => ({ orStatement: { statements } });

const AUTH = startsWith('/auth');
const HAS_API_KEY: wafv2.CfnWebACL.StatementProperty = {
  sizeConstraintStatement: {
    fieldToMatch: { singleHeader: { Name: 'x-api-key' } },
    comparisonOperator: 'GT',
    size: 0,
    textTransformations: [{ priority: 0, type: 'NONE' }],
  },
};
/** Backends: many requests from one address are usual. The services limit each key, and an address whose key or token is none. */
const BACKEND = or(startsWith('/v1'), and(AUTH, HAS_API_KEY));

/** After this many seconds a caller who was refused may try again: the rules look back over five minutes, all the time. */
const RETRY_AFTER = 60;

const visible = (metricName: string) => ({
  cloudWatchMetricsEnabled: true,
  metricName,
  sampledRequestsEnabled: false,
});

/** Rules that count by this header. */
const rateRules =
  (header: string) =>
  (
    name: string,
    priority: number,
    limit: number,
    scopeDown?: wafv2.CfnWebACL.StatementProperty,
  ): wafv2.CfnWebACL.RuleProperty => ({
    name,
    priority,
    action: {
      block: {
        customResponse: {
          responseCode: 429,
          responseHeaders: [{ name: 'retry-after', value: String(RETRY_AFTER) }],
        },
      },
    },
    statement: {
      rateBasedStatement: {
        limit,
        evaluationWindowSec: ACL_SECONDS,
        // The viewer's network as CloudFront saw it: the load balancer's peer is always CloudFront, and X-Forwarded-For begins with
        // whatever the viewer wrote. Counted by address, one IPv6 subscriber would have 2^64 allowances.
        aggregateKeyType: 'CUSTOM_KEYS',
        customKeys: [{ header: { name: header, textTransformations: [{ priority: 0, type: 'NONE' }] } }],
        ...(scopeDown ? { scopeDownStatement: scopeDown } : {}),
      },
    },
    visibilityConfig: visible(name),
  });

/** Requests of a network in five minutes. */
export interface EdgeLimits {
  readonly all: number;
  readonly auth: number;
  readonly api: number;
  /** Undefined: they count among all requests. */
  readonly playlists: number | undefined;
}

/**
 * Rate rules and AWS's managed ones for the load balancer.
 * @param header holds the viewer's network; CloudFront writes it
 */
export function edgeRules(header: string, limits: EdgeLimits): wafv2.CfnWebACL.RuleProperty[] {
  const managed = (name: string, priority: number): wafv2.CfnWebACL.RuleProperty => ({
    name,
    priority,
    overrideAction: { none: {} },
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
    visibilityConfig: visible(name),
  });
  const rate = rateRules(header);
  return [
    rate('AuthRate', 0, limits.auth, and(AUTH, not(HAS_API_KEY))),
    rate('AddressRate', 1, limits.all, not(limits.playlists === undefined ? BACKEND : or(BACKEND, HLS))),
    rate('ApiRate', 4, limits.api, BACKEND),
    // Not the IP reputation list: here it would judge CloudFront's addresses. It belongs on a web ACL of CloudFront.
    managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
    ...(limits.playlists === undefined ? [] : [rate('PlaylistRate', 3, limits.playlists, HLS)]),
  ];
}

export const newWebAcl = (scope: Construct, rules: wafv2.CfnWebACL.RuleProperty[]): wafv2.CfnWebACL =>
  new wafv2.CfnWebACL(scope, 'WebAcl', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: visible('WebAcl'),
    rules,
  });
