import { ArnFormat, Duration, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { acknowledge, BASIC_EXECUTION } from './acknowledge.ts';
import { check, checkDomain, checkGiven, checkInteger, checkSeconds } from './check.ts';
import { edgeRules } from './edge-rules.ts';
import type { RealtimeService } from './realtime-service.ts';

/** Header that CloudFront sets from the viewer's address; a viewer cannot set it (see WebClient). */
export const VIEWER_HEADER = 'x-viewer-ip';
/** Header whose value only CloudFront and the load balancer know. */
export const SECRET_HEADER = 'x-origin-secret';
/** Signaling pings at most every 25 s; idle timeouts stay far above. */
const HEARTBEAT_SECONDS = 25;

/** Properties of {@link Edge}. */
export interface EdgeProps {
  /** Where; two public subnets at least. */
  readonly vpc: ec2.IVpc;
  /**
   * Certificate of `domainName`, in this region.
   * @default - plain HTTP between CloudFront and the load balancer: development only
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Name under which CloudFront reaches the load balancer; it must be in the certificate and point here.
   * @default - the load balancer's own name, without TLS
   */
  readonly domainName?: string;
  /**
   * Idle timeout. Above the heartbeat, and below the services' own keep-alive.
   * @default Duration.seconds(400)
   */
  readonly idleTimeout?: Duration;
  /**
   * The region's prefix list `com.amazonaws.global.cloudfront.origin-facing`.
   * @default - looked up by name at deploy time
   */
  readonly cloudFrontPrefixListId?: string;
  /**
   * Requests an address may make in five minutes, everything together.
   * @default 3000
   */
  readonly rateLimit?: number;
  /**
   * Requests to /auth an address may make in five minutes.
   * @default 600
   */
  readonly authRateLimit?: number;
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

/**
 * Internet-facing load balancer behind CloudFront. (CloudFront's VPC origins carry no WebSockets, so it cannot be internal.) Two
 * locks keep others out: the security group admits CloudFront's addresses only, and every rule wants the secret header.
 */
export class Edge extends Construct implements ec2.IConnectable {
  /** The load balancer. */
  readonly loadBalancer: elb.ApplicationLoadBalancer;
  /** Its one listener: 443 with a certificate, 80 without. */
  readonly listener: elb.ApplicationListener;
  /** Security group of the load balancer. */
  readonly connections: ec2.Connections;
  /** The value of the secret header; CloudFront sends it. */
  readonly originSecret: secretsmanager.Secret;
  /** Name that CloudFront connects to. */
  readonly originDomainName: string;
  /** Whether CloudFront connects with TLS. */
  readonly tls: boolean;
  /** Rate rules and managed rules. */
  readonly webAcl: wafv2.CfnWebACL;
  /** The target groups by service name, in the order added. */
  readonly targetGroups: elb.ApplicationTargetGroup[] = [];
  /** Path patterns that belong to the services, for CloudFront. */
  readonly pathPatterns: string[] = [];

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id);
    checkGiven('Edge', props, 'vpc');
    checkDomain('Edge', 'domainName', props.domainName);
    check(
      (props.certificate === undefined) === (props.domainName === undefined),
      'Edge',
      props.certificate ? 'domainName' : 'certificate',
      'certificate and domainName go together',
      'give both (TLS) or neither (development)',
    );
    checkSeconds(
      'Edge',
      'idleTimeout',
      props.idleTimeout,
      2 * HEARTBEAT_SECONDS,
      4000,
      'twice the heartbeat, and ALB’s limit',
    );
    checkInteger('Edge', 'rateLimit', props.rateLimit, 10, 2_000_000_000);
    checkInteger('Edge', 'authRateLimit', props.authRateLimit, 10, 2_000_000_000);
    if (props.cloudFrontPrefixListId !== undefined)
      check(
        /^(pl-[0-9a-f]+|\$\{.*)$/.test(props.cloudFrontPrefixListId),
        'Edge',
        'cloudFrontPrefixListId',
        `"${props.cloudFrontPrefixListId}" is no prefix list id`,
        'leave it out, or pl-…',
      );
    this.tls = props.certificate !== undefined;
    const port = this.tls ? 443 : 80;
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Load balancer: CloudFront only',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(port) });
    securityGroup.addIngressRule(
      ec2.Peer.prefixList(props.cloudFrontPrefixListId ?? this.lookUpPrefixList()),
      ec2.Port.tcp(port),
      'CloudFront',
    );
    this.loadBalancer = new elb.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: props.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      internetFacing: true,
      securityGroup,
      idleTimeout: props.idleTimeout ?? Duration.seconds(400),
      dropInvalidHeaderFields: true,
      desyncMitigationMode: elb.DesyncMitigationMode.STRICTEST,
      deletionProtection: props.deletionProtection ?? true,
      crossZoneEnabled: true,
    });
    if (props.accessLogs ?? true) this.keepAccessLogs(props.removalPolicy ?? RemovalPolicy.RETAIN);
    this.originDomainName = props.domainName ?? this.loadBalancer.loadBalancerDnsName;
    this.originSecret = new secretsmanager.Secret(this, 'OriginSecret', {
      description: 'Header by which the load balancer knows CloudFront',
      generateSecretString: { excludePunctuation: true, passwordLength: 48 },
    });
    acknowledge(this.originSecret, {
      'AwsSolutions-SMG4':
        'CloudFront and the load balancer both hold it: rotation is a deployment of both, see docs/deployment-and-testing.md. The security group is the other lock.',
    });
    this.listener = this.loadBalancer.addListener('Listener', {
      port,
      open: false,
      ...(props.certificate
        ? {
            protocol: elb.ApplicationProtocol.HTTPS,
            certificates: [props.certificate],
            sslPolicy: elb.SslPolicy.TLS13_RES,
          }
        : { protocol: elb.ApplicationProtocol.HTTP }),
      defaultAction: elb.ListenerAction.fixedResponse(403, { contentType: 'text/plain', messageBody: 'forbidden' }),
    });
    this.webAcl = edgeRules(this, VIEWER_HEADER, { all: props.rateLimit ?? 3000, auth: props.authRateLimit ?? 600 });
    new wafv2.CfnWebACLAssociation(this, 'Protect', {
      resourceArn: this.loadBalancer.loadBalancerArn,
      webAclArn: this.webAcl.attrArn,
    });
    const wafLogs = new logs.LogGroup(this, 'WafLogs', {
      // WAF refuses any other beginning.
      logGroupName: `aws-waf-logs-${Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }).toLowerCase()}`,
      retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
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
      // Tokens travel in these.
      redactedFields: [
        { singleHeader: { Name: 'authorization' } },
        { singleHeader: { Name: 'sec-websocket-protocol' } },
        { singleHeader: { Name: SECRET_HEADER } },
        { queryString: {} },
      ],
    });
  }

  /** Send the service's paths to it. `priority`: order among the rules; lower first. */
  addService(service: RealtimeService, priority: number): elb.ApplicationTargetGroup {
    const patterns = service.routes.map((route) => `${route}*`);
    const group = service.createTargetGroup(this, `${service.serviceName}Targets`);
    this.listener.addAction(`${service.serviceName}Rule`, {
      priority,
      conditions: [
        elb.ListenerCondition.pathPatterns(patterns),
        elb.ListenerCondition.httpHeader(SECRET_HEADER, [this.originSecret.secretValue.unsafeUnwrap()]),
      ],
      action: elb.ListenerAction.forward([group]),
    });
    service.connections.allowFrom(this, ec2.Port.tcp(service.port), 'load balancer');
    this.targetGroups.push(group);
    this.pathPatterns.push(...patterns);
    return group;
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
    });
    acknowledge(bucket, { 'AwsSolutions-S1': 'It is the log bucket; logging its own writes would never end.' });
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects('AWSLogs/*')],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    this.loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
    this.loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
    if (bucket.policy) this.loadBalancer.node.addDependency(bucket.policy);
  }

  private lookUpPrefixList(): string {
    const name = 'com.amazonaws.global.cloudfront.origin-facing';
    const lookup = new cr.AwsCustomResource(this, 'PrefixList', {
      resourceType: 'Custom::CloudFrontPrefixList',
      onUpdate: {
        service: 'EC2',
        action: 'DescribeManagedPrefixLists',
        parameters: { Filters: [{ Name: 'prefix-list-name', Values: [name] }] },
        outputPaths: ['PrefixLists.0.PrefixListId'],
        physicalResourceId: cr.PhysicalResourceId.of(name),
      },
      installLatestAwsSdk: false,
      // The action knows no resources: '*' is all it takes.
      policy: cr.AwsCustomResourcePolicy.fromStatements([
        new iam.PolicyStatement({ actions: ['ec2:DescribeManagedPrefixLists'], resources: ['*'] }),
      ]),
    });
    acknowledge(lookup, {
      'AwsSolutions-IAM5[Resource::*]': 'ec2:DescribeManagedPrefixLists knows no resources, and reads public lists.',
    });
    for (const child of Stack.of(this).node.children)
      if (child.node.id.startsWith('AWS679f53fac002430cb0da5b7982bd2287'))
        acknowledge(child, { ...BASIC_EXECUTION, 'AwsSolutions-L1': "The runtime is CDK's own choice." });
    return lookup.getResponseField('PrefixLists.0.PrefixListId');
  }
}
