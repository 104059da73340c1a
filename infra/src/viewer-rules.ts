import { CfnOutput, Stack, Token } from 'aws-cdk-lib';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { check } from './check.ts';
import { checkProps } from './check-props.ts';

/** Properties of {@link ViewerRules}. */
export interface ViewerRulesProps {
  /**
   * Managed rule groups of AWS that judge the viewer, in order. Each costs $1 a month; the web ACL $5, and $0.60 a million requests.
   * @default - AWSManagedRulesAmazonIpReputationList
   */
  readonly managedRules?: string[];
}

/**
 * Web ACL in front of CloudFront, for rules that must see the viewer's own address: at the load balancer they would judge CloudFront's. Its
 * stack is in us-east-1, and one serves the distributions of all regions: give its ARN as `webAclArn`. Rate rules stay at the load
 * balancer ({@link Edge}), see docs/decisions/0015-internal-load-balancer.md.
 */
export class ViewerRules extends Construct {
  /** The web ACL. */
  readonly webAcl: wafv2.CfnWebACL;
  /** ARN, for `webAclArn` of {@link WebRtcTopology} and {@link WebClient}. */
  readonly webAclArn: string;

  constructor(scope: Construct, id: string, props: ViewerRulesProps = {}) {
    super(scope, id);
    checkProps('ViewerRules', 'ViewerRulesProps', props);
    const { region } = Stack.of(this);
    check(
      !Token.isUnresolved(region) && region === 'us-east-1',
      'ViewerRules',
      'scope',
      `its stack is in ${Token.isUnresolved(region) ? 'a region that is known only when deployed' : region}, and CloudFront takes web ACLs of us-east-1 only`,
      "a stack of its own with env: { region: 'us-east-1' }",
    );
    const managedRules = props.managedRules ?? ['AWSManagedRulesAmazonIpReputationList'];
    for (const name of managedRules)
      check(
        /^AWSManagedRules[A-Za-z0-9]+$/.test(name),
        'ViewerRules',
        'managedRules',
        `"${name}" is no managed rule group of AWS`,
        'a name such as AWSManagedRulesAnonymousIpList',
      );
    const visible = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      metricName,
      sampledRequestsEnabled: false,
    });
    this.webAcl = new wafv2.CfnWebACL(this, 'WebAcl', {
      scope: 'CLOUDFRONT',
      description: 'Rules that judge the address of a viewer, before CloudFront',
      defaultAction: { allow: {} },
      visibilityConfig: visible('ViewerRules'),
      rules: managedRules.map((name, priority) => ({
        name,
        priority,
        overrideAction: { none: {} },
        statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
        visibilityConfig: visible(name),
      })),
    });
    this.webAclArn = this.webAcl.attrArn;
    new CfnOutput(this, 'WebAclArn', { value: this.webAclArn, description: 'webAclArn of the topology' });
  }
}
