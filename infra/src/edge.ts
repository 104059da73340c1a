import { ArnFormat, Duration, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge } from './acknowledge.ts';
import { checkOrigins } from './edge-origins.ts';
import { checkEdge, type EdgeProps } from './edge-props.ts';
import { type EdgeLimits, edgeRules, newWebAcl, PLAYLISTS_OF_NETWORK } from './edge-rules.ts';
import type { MediaFleet } from './media-fleet.ts';
import { NOT_FOUND_PAGE } from './not-found-page.ts';
import type { RealtimeService } from './realtime-service.ts';

/**
 * Header that CloudFront sets from the viewer's address: an IPv4 address, or the /64 of an IPv6 one, which is one subscriber's. A viewer
 * cannot set it (see WebClient).
 */
export const NETWORK_HEADER = 'x-viewer-network';

/**
 * Internal load balancer, which CloudFront reaches as VPC origin (WebSockets pass since May 2026): no public address, no name and
 * certificate of its own, no secret header. See docs/decisions/0015-internal-load-balancer.md.
 */
export class Edge extends Construct implements ec2.IConnectable {
  /** The load balancer. */
  readonly loadBalancer: elb.ApplicationLoadBalancer;
  /** Its one listener, HTTP on 80: from CloudFront to here nothing leaves the network of AWS. */
  readonly listener: elb.ApplicationListener;
  /** Security group of the load balancer. */
  readonly connections: ec2.Connections;
  /** Rate rules and managed rules. */
  readonly webAcl: wafv2.CfnWebACL;
  /** The target groups of auth and signaling, in the order added. */
  readonly targetGroups: elb.ApplicationTargetGroup[] = [];
  /** The target group of streams; undefined without media nodes. */
  streamTargets?: elb.ApplicationTargetGroup;
  /** Path patterns that belong to the services; a {@link WebClient} sends them here, also those that are added after it. */
  readonly pathPatterns: string[] = [];
  private readonly limits: EdgeLimits;
  private readonly followers: ((pattern: string) => void)[] = [];

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id);
    checkEdge(props);
    const vpcSubnets = props.vpcSubnets ?? {
      subnetType:
        props.vpc.isolatedSubnets.length > 0 ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PRIVATE_WITH_EGRESS,
    };
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Load balancer: CloudFront, as VPC origin',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(80) });
    // The group of CloudFront's own network interfaces exists only after the origin does, and its addresses are a list of the region.
    // The load balancer has no public address, so what comes from outside of the VPC is CloudFront.
    securityGroup.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(80), 'CloudFront VPC origin');
    acknowledge(securityGroup, {
      'AwsSolutions-EC23': 'An internal load balancer: from outside the VPC only CloudFront reaches it.',
    });
    this.loadBalancer = new elb.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: props.vpc,
      vpcSubnets,
      internetFacing: false,
      securityGroup,
      idleTimeout: props.idleTimeout ?? Duration.seconds(400),
      dropInvalidHeaderFields: true,
      desyncMitigationMode: elb.DesyncMitigationMode.STRICTEST,
      deletionProtection: props.deletionProtection ?? true,
      crossZoneEnabled: true,
    });
    if (props.accessLogs ?? true) this.keepAccessLogs(props.removalPolicy ?? RemovalPolicy.RETAIN);
    this.listener = this.loadBalancer.addListener('Listener', {
      port: 80,
      open: false,
      protocol: elb.ApplicationProtocol.HTTP,
      // CloudFront asks here for what the bucket of pages does not have (WebClient).
      defaultAction: elb.ListenerAction.fixedResponse(404, { contentType: 'text/html', messageBody: NOT_FOUND_PAGE }),
    });
    this.limits = {
      all: props.rateLimit ?? 3000,
      auth: props.authRateLimit ?? 600,
      api: props.apiRateLimit ?? 90_000,
      playlists: props.playlistRateLimit,
    };
    this.webAcl = newWebAcl(this, edgeRules(NETWORK_HEADER, this.limits));
    new wafv2.CfnWebACLAssociation(this, 'Protect', {
      resourceArn: this.loadBalancer.loadBalancerArn,
      webAclArn: this.webAcl.attrArn,
    });
    this.logRefusals(props.logRetention ?? logs.RetentionDays.ONE_MONTH);
  }

  /**
   * Send the service's paths to it. `priority`: order among the rules; lower first. Signaling and captions must have `allowedOrigins`: the Host that they get is the
   * load balancer's.
   */
  addService(service: RealtimeService, priority: number): elb.ApplicationTargetGroup {
    checkOrigins(service);
    // An id of its own: a target group stays with the load balancer that it was made for, and the one that faced the internet had `…Targets`.
    const group = service.createTargetGroup(this, `${service.serviceName}InternalTargets`);
    this.send(service.serviceName, service.routes, { group, priority });
    service.connections.allowFrom(this, ec2.Port.tcp(service.port), 'load balancer');
    this.targetGroups.push(group);
    return group;
  }

  /**
   * Send streams (/whip and /whep) to the media nodes: any of them takes any request, and passes it on to the one that has the room.
   * `priority`: order among the rules; lower first.
   */
  addStreams(fleet: MediaFleet, priority: number): elb.ApplicationTargetGroup {
    const group = fleet.createTargetGroup(this, 'mediaTargets');
    this.send('media', topology.media.routes, { group, priority });
    fleet.connections.allowFrom(this, ec2.Port.tcp(topology.media.port), 'Load balancer: streams');
    this.streamTargets = group;
    // Counted among all requests, five viewers of one network would be as many as it may send: its calls would be refused, too.
    if (fleet.packagers > 0 && this.limits.playlists === undefined)
      this.webAcl.rules = edgeRules(NETWORK_HEADER, { ...this.limits, playlists: PLAYLISTS_OF_NETWORK });
    return group;
  }

  private send(
    name: string,
    routes: readonly string[],
    to: { readonly group: elb.ApplicationTargetGroup; readonly priority: number },
  ): void {
    const patterns = routes.map((route) => `${route}*`);
    this.listener.addAction(`${name}Rule`, {
      priority: to.priority,
      conditions: [elb.ListenerCondition.pathPatterns(patterns)],
      action: elb.ListenerAction.forward([to.group]),
    });
    for (const pattern of patterns) {
      this.pathPatterns.push(pattern);
      for (const follow of this.followers) follow(pattern);
    }
  }

  /** Calls with each path pattern, at once and as more are added. @internal */
  _eachPattern(follow: (pattern: string) => void): void {
    this.pathPatterns.forEach(follow);
    this.followers.push(follow);
  }

  /** Requests that the load balancer itself or a service failed, 5xx. */
  metricErrors(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    const of = (code: elb.HttpCodeTarget) =>
      this.loadBalancer.metrics.httpCodeTarget(code, { statistic: 'Sum', ...props });
    return new cloudwatch.MathExpression({
      expression: 'FILL(target, 0) + FILL(own, 0)',
      usingMetrics: {
        target: of(elb.HttpCodeTarget.TARGET_5XX_COUNT),
        own: this.loadBalancer.metrics.httpCodeElb(elb.HttpCodeElb.ELB_5XX_COUNT, { statistic: 'Sum', ...props }),
      },
      label: '5xx',
      ...(props?.period ? { period: props.period } : {}),
    });
  }

  private logRefusals(retention: logs.RetentionDays): void {
    const wafLogs = new logs.LogGroup(this, 'WafLogs', {
      // WAF refuses any other beginning.
      logGroupName: `aws-waf-logs-${Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase()}`,
      retention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new wafv2.CfnLoggingConfiguration(this, 'WafLogging', {
      resourceArn: this.webAcl.attrArn,
      logDestinationConfigs: [
        Stack.of(this).formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: wafLogs.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      // Without it WAF writes a record for every request, with the caller's address in its headers: 1.5 KB at $0.50 a GB.
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          {
            Behavior: 'KEEP',
            Requirement: 'MEETS_ANY',
            Conditions: ['BLOCK', 'COUNT'].map((Action) => ({ ActionCondition: { Action } })),
          },
        ],
      },
      // Tokens and API keys travel in these.
      redactedFields: [
        ...['authorization', 'sec-websocket-protocol', 'x-api-key'].map((Name) => ({ singleHeader: { Name } })),
        { queryString: {} },
      ],
    });
  }

  /** By hand: CDK's logAccessLogs wants a region at synth, and this stack may have none. */
  private keepAccessLogs(removalPolicy: RemovalPolicy): void {
    const bucket = new s3.Bucket(this, 'AccessLogs', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      // Load balancers write to SSE-S3 buckets only.
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [{ expiration: Duration.days(90) }],
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
    acknowledge(bucket, { 'AwsSolutions-S1': 'It is the log bucket; logging its own writes would never end.' });
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        // The account is in the path, as in the policy of ELB's guide ("Enable access logs"). That policy has no condition, and one on a key that ELB does not
        // send is false: then the load balancer, and with it the stack, is not made ("Access Denied for bucket").
        resources: [bucket.arnForObjects(`AWSLogs/${Stack.of(this).account}/*`)],
      }),
    );
    this.loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
    this.loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
    if (bucket.policy) this.loadBalancer.node.addDependency(bucket.policy);
  }
}
