import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';

/** `/whep/<room>/hls/live.m3u8`, and what it names, as far as no cache has it. */
const HLS: wafv2.CfnWebACL.StatementProperty = {
  regexMatchStatement: {
    fieldToMatch: { uriPath: {} },
    regexString: '^/whep/[^/]+/hls/[^/]+',
    textTransformations: [{ priority: 0, type: 'NONE' }],
  },
};

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
    action: { block: { customResponse: { responseCode: 429 } } },
    statement: {
      rateBasedStatement: {
        limit,
        evaluationWindowSec: 300,
        // The viewer's network as CloudFront saw it: the load balancer's peer is always CloudFront, and X-Forwarded-For begins with
        // whatever the viewer wrote. Counted by address, one IPv6 subscriber would have 2^64 allowances.
        aggregateKeyType: 'CUSTOM_KEYS',
        customKeys: [{ header: { name: header, textTransformations: [{ priority: 0, type: 'NONE' }] } }],
        ...(scopeDown ? { scopeDownStatement: scopeDown } : {}),
      },
    },
    visibilityConfig: visible(name),
  });

/**
 * Rate rules and AWS's managed ones for the load balancer.
 * @param header holds the viewer's network; CloudFront writes it
 * @param limits requests of an address in five minutes
 */
export function edgeRules(
  scope: Construct,
  header: string,
  limits: { readonly all: number; readonly auth: number; readonly playlists: number | undefined },
): wafv2.CfnWebACL {
  const managed = (name: string, priority: number): wafv2.CfnWebACL.RuleProperty => ({
    name,
    priority,
    overrideAction: { none: {} },
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
    visibilityConfig: visible(name),
  });
  const rate = rateRules(header);
  return new wafv2.CfnWebACL(scope, 'WebAcl', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: visible('WebAcl'),
    rules: [
      rate('AuthRate', 0, limits.auth, {
        byteMatchStatement: {
          fieldToMatch: { uriPath: {} },
          positionalConstraint: 'STARTS_WITH',
          searchString: '/auth',
          textTransformations: [{ priority: 0, type: 'NORMALIZE_PATH' }],
        },
      }),
      rate(
        'AddressRate',
        1,
        limits.all,
        limits.playlists === undefined ? undefined : { notStatement: { statement: HLS } },
      ),
      // Not the IP reputation list: here it would judge CloudFront's addresses. It belongs on a web ACL of CloudFront.
      managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
      ...(limits.playlists === undefined ? [] : [rate('PlaylistRate', 3, limits.playlists, HLS)]),
    ],
  });
}
