import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';

/**
 * Rate rules and AWS's managed ones for the load balancer.
 * @param header holds the viewer's address; CloudFront writes it
 * @param limits requests of an address in five minutes
 */
export function edgeRules(
  scope: Construct,
  header: string,
  limits: { readonly all: number; readonly auth: number },
): wafv2.CfnWebACL {
  const visible = (metricName: string) => ({
    cloudWatchMetricsEnabled: true,
    metricName,
    sampledRequestsEnabled: false,
  });
  const managed = (name: string, priority: number): wafv2.CfnWebACL.RuleProperty => ({
    name,
    priority,
    overrideAction: { none: {} },
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
    visibilityConfig: visible(name),
  });
  const rate = (
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
        // The viewer's address as CloudFront saw it: the load balancer's peer is always CloudFront, and
        // X-Forwarded-For begins with whatever the viewer wrote.
        aggregateKeyType: 'FORWARDED_IP',
        forwardedIpConfig: { headerName: header, fallbackBehavior: 'NO_MATCH' },
        ...(scopeDown ? { scopeDownStatement: scopeDown } : {}),
      },
    },
    visibilityConfig: visible(name),
  });
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
      rate('AddressRate', 1, limits.all),
      managed('AWSManagedRulesAmazonIpReputationList', 2),
      managed('AWSManagedRulesKnownBadInputsRuleSet', 3),
    ],
  });
}
