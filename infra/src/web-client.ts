import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, ArnFormat, CfnRule, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as s3deploy from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge, BASIC_EXECUTION } from './acknowledge.ts';
import { check, checkDomain } from './check.ts';
import { type Edge, NETWORK_HEADER } from './edge.ts';
import { globalName } from './global-name.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { viewerRequestCode } from './viewer-request.ts';

/** What S3 answers for an object that is not there: 403 to a reader who may not list the bucket. S3 API reference, "GetObject". */
const MISSING = [403, 404] as const;

/** Strict-Transport-Security of the pages (RFC 6797). */
export interface HstsOptions {
  /**
   * How long a browser uses HTTPS only.
   * @default Duration.days(730)
   */
  readonly maxAge?: Duration;
  /**
   * Also for all names below this one.
   * @default true
   */
  readonly includeSubdomains?: boolean;
  /**
   * Allow browsers to build the name into their lists, which is hard to take back.
   * @default true
   */
  readonly preload?: boolean;
}

/** Properties of {@link WebClient}. */
export interface WebClientProps {
  /**
   * The built client: apps/client/out.
   * @default - a page that says what is missing; the template then refuses to deploy
   */
  readonly clientBuild?: string;
  /**
   * Load balancer with the services, under the same origin.
   * @default - the pages alone
   */
  readonly edge?: Edge;
  /**
   * Path patterns that go to the edge.
   * @default - the routes of the topology's services
   */
  readonly edgePatterns?: string[];
  /**
   * Public name.
   * @default - CloudFront's own name
   */
  readonly domainName?: string;
  /**
   * Certificate of `domainName`, in us-east-1.
   * @default - CloudFront's own
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Settings that the page reads from /config.json.
   * @default - signaling and auth at the same origin, the region of the stack
   */
  readonly config?: { readonly [name: string]: string };
  /**
   * Web ACL for CloudFront (scope CLOUDFRONT, us-east-1), such as {@link ViewerRules.webAclArn}.
   * @default - none; the load balancer has its own
   */
  readonly webAclArn?: string;
  /**
   * Strict-Transport-Security.
   * @default - two years, with subdomains and preload
   */
  readonly hsts?: HstsOptions;
  /**
   * Where viewers are served from.
   * @default PRICE_CLASS_ALL
   */
  readonly priceClass?: cloudfront.PriceClass;
  /**
   * How long the logs of publishing are kept. (CloudFront keeps none: they would hold tokens.)
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * What happens to the bucket when the stack goes. DESTROY empties it first.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * The PWA in a private bucket, behind CloudFront, which is the one origin for pages, /auth and /ws: so no CORS, one name in the
 * CSP, one certificate.
 */
export class WebClient extends Construct {
  /** CloudFront. */
  readonly distribution: cloudfront.Distribution;
  /** The private bucket. */
  readonly bucket: s3.Bucket;
  /** `https://…`, without a slash at the end. */
  readonly origin: string;

  constructor(scope: Construct, id: string, props: WebClientProps = {}) {
    super(scope, id);
    checkDomain('WebClient', 'domainName', props.domainName);
    check(
      (props.certificate === undefined) === (props.domainName === undefined),
      'WebClient',
      props.certificate ? 'domainName' : 'certificate',
      'certificate and domainName go together',
      'give both or neither',
    );
    if (props.certificate) {
      const region = Stack.of(this).splitArn(props.certificate.certificateArn, ArnFormat.SLASH_RESOURCE_NAME).region;
      check(
        !region || region.includes('${') || region === 'us-east-1',
        'WebClient',
        'certificate',
        `it is in ${region}, and CloudFront reads us-east-1 only`,
        'request one in us-east-1',
      );
    }
    if (props.clientBuild !== undefined)
      check(
        existsSync(join(props.clientBuild, 'index.html')),
        'WebClient',
        'clientBuild',
        `there is no index.html in ${props.clientBuild}`,
        'npm run build -w @tandem/client',
      );
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.bucket = new s3.Bucket(this, 'Bucket', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      versioned: true,
      lifecycleRules: [
        { noncurrentVersionExpiration: Duration.days(30), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
    const headers = this.headers(props);
    const viewerRequest = new cloudfront.Function(this, 'ViewerRequest', {
      comment: 'Viewer address, token out of the URL, folders to index.html',
      runtime: cloudfront.FunctionRuntime.JS_2_0,
      code: cloudfront.FunctionCode.fromInline(viewerRequestCode(NETWORK_HEADER)),
    });
    const functionAssociations = [{ function: viewerRequest, eventType: cloudfront.FunctionEventType.VIEWER_REQUEST }];
    const bucket = origins.S3BucketOrigin.withOriginAccessControl(this.bucket, {
      originAccessControl: new cloudfront.S3OriginAccessControl(this, 'AccessControl', {
        originAccessControlName: globalName(this, 64),
      }),
    });
    const services = props.edge && this.servicesOrigin(props.edge);
    const pages: cloudfront.BehaviorOptions = {
      ...this.pagesOrigin(bucket, services),
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      // It follows each object's Cache-Control; config.json, sw.js and HTML carry no-cache.
      cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
      responseHeadersPolicy: headers,
      compress: true,
      functionAssociations,
    };
    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: 'PWA, /auth and /ws under one origin',
      defaultBehavior: pages,
      additionalBehaviors: services ? this.services(services, props.edgePatterns, functionAssociations) : {},
      // A distribution has one set of error pages, and with services it would take the place of their own 403 and 404 answers too.
      errorResponses: services
        ? []
        : MISSING.map((httpStatus) => ({ httpStatus, responseHttpStatus: 404, responsePagePath: '/404.html' })),
      defaultRootObject: 'index.html',
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      priceClass: props.priceClass ?? cloudfront.PriceClass.PRICE_CLASS_ALL,
      enableIpv6: true,
      ...(props.domainName && props.certificate
        ? { domainNames: [props.domainName], certificate: props.certificate }
        : {}),
      ...(props.webAclArn ? { webAclId: props.webAclArn } : {}),
    });
    this.origin = `https://${props.domainName ?? this.distribution.distributionDomainName}`;
    this.publish(props);
    this.explain(props);
  }

  /** Let `grantee` drop cached copies, as a release pipeline does. */
  grantInvalidate(grantee: iam.IGrantable): iam.Grant {
    return this.distribution.grantCreateInvalidation(grantee);
  }

  /** Why the rules of cdk-nag that are left do not apply. */
  private explain(props: WebClientProps): void {
    acknowledge(this.bucket, {
      'AwsSolutions-S1': 'Public files, read by CloudFront alone; there is nobody else to log.',
    });
    acknowledge(this.distribution, {
      'AwsSolutions-CFR1': 'Calls are for everywhere; set geoRestriction on the distribution if yours are not.',
      'AwsSolutions-CFR2': 'The load balancer behind it has the web ACL; webAclArn adds one here (us-east-1).',
      'AwsSolutions-CFR3':
        'Standard logs hold the query string, and the plain wire contract allows ?token=. The load balancer logs what reaches a service, without it.',
      ...(props.domainName
        ? {}
        : { 'AwsSolutions-CFR4': "CloudFront's own certificate fixes the protocol: development." }),
    });
    const bucket = Stack.of(this).resolve((this.bucket.node.defaultChild as s3.CfnBucket).logicalId);
    const why = "CDK's BucketDeployment: reads the asset, writes this one bucket.";
    for (const child of Stack.of(this).node.children)
      if (child.node.id.startsWith('Custom::CDKBucketDeployment'))
        acknowledge(child, {
          ...BASIC_EXECUTION,
          'AwsSolutions-L1': "The runtime is CDK's own choice.",
          'AwsSolutions-IAM5[Resource::*]': 'cloudfront:CreateInvalidation, as CDK grants it.',
          ...Object.fromEntries(
            ['s3:GetBucket*', 's3:GetObject*', 's3:List*', 's3:Abort*', 's3:DeleteObject*'].map((action) => [
              `AwsSolutions-IAM5[Action::${action}]`,
              why,
            ]),
          ),
          'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*]':
            why,
          [`AwsSolutions-IAM5[Resource::<${bucket}.Arn>/*]`]: why,
        });
      else if (child.node.id.startsWith('Custom::S3AutoDeleteObjects'))
        acknowledge(child, { ...BASIC_EXECUTION, 'AwsSolutions-L1': "The runtime is CDK's own choice." });
  }

  /** From CloudFront to the internal load balancer the traffic stays in the network of AWS. */
  private servicesOrigin(edge: Edge): cloudfront.IOrigin {
    return origins.VpcOrigin.withApplicationLoadBalancer(edge.loadBalancer, {
      vpcOriginName: globalName(this, 64),
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
      readTimeout: Duration.seconds(60),
      keepaliveTimeout: Duration.seconds(60),
    });
  }

  /**
   * Where pages come from: the bucket, and for a path that it does not have the load balancer, which answers 404 with a page (Edge). The
   * API reference of CloudFront, "OriginGroupMember", names no kind of origin that may not be in a group; not tried on AWS yet.
   */
  private pagesOrigin(
    bucket: cloudfront.IOrigin,
    services: cloudfront.IOrigin | undefined,
  ): Pick<cloudfront.BehaviorOptions, 'origin' | 'originRequestPolicy'> {
    if (!services) return { origin: bucket };
    return {
      origin: new origins.OriginGroup({
        primaryOrigin: bucket,
        fallbackOrigin: services,
        fallbackStatusCodes: [...MISSING],
      }),
      // Requests without the header are not counted by the rate rules of the load balancer.
      originRequestPolicy: new cloudfront.OriginRequestPolicy(this, 'PagesRequest', {
        comment: 'The network of the viewer',
        originRequestPolicyName: globalName(this, 128),
        headerBehavior: cloudfront.OriginRequestHeaderBehavior.allowList(NETWORK_HEADER),
      }),
    };
  }

  private services(
    origin: cloudfront.IOrigin,
    patterns: string[] | undefined,
    functionAssociations: cloudfront.FunctionAssociation[],
  ): Record<string, cloudfront.BehaviorOptions> {
    const behavior: cloudfront.BehaviorOptions = {
      origin,
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
      allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
      cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
      // With the viewer's Host the 101 upgrade broke for others.
      originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      functionAssociations,
      compress: false,
    };
    const all =
      patterns ?? [topology.auth, topology.signaling].flatMap((part) => part.routes.map((route) => `${route}*`));
    return Object.fromEntries(all.map((pattern) => [pattern, behavior]));
  }

  private headers({ clientBuild: build, hsts = {} }: WebClientProps): cloudfront.ResponseHeadersPolicy {
    // The client's build knows the hashes of its inline scripts; without a build the strictest that can work.
    const file = build ? join(build, 'security-headers.json') : '';
    const given: Record<string, string> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    const all = new Map(Object.entries({ ...SECURITY_HEADERS, ...given }).map(([k, v]) => [k.toLowerCase(), v]));
    const take = (name: string) => {
      const value = all.get(name);
      all.delete(name);
      return value;
    };
    const csp = take('content-security-policy') ?? "default-src 'self'";
    const referrer = (take('referrer-policy') ?? 'no-referrer') as cloudfront.HeadersReferrerPolicy;
    take('x-content-type-options');
    take('strict-transport-security');
    take('x-frame-options');
    return new cloudfront.ResponseHeadersPolicy(this, 'Headers', {
      comment: 'Security headers of the PWA',
      responseHeadersPolicyName: globalName(this, 128),
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy: csp, override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: cloudfront.HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: referrer, override: true },
        strictTransportSecurity: {
          accessControlMaxAge: hsts.maxAge ?? Duration.days(730),
          includeSubdomains: hsts.includeSubdomains ?? true,
          preload: hsts.preload ?? true,
          override: true,
        },
      },
      customHeadersBehavior: {
        customHeaders: [...all].map(([header, value]) => ({ header, value, override: true })),
      },
    });
  }

  private publish(props: WebClientProps): void {
    const here = { signalingUrl: '', authUrl: '', region: Stack.of(this).region };
    const config = s3deploy.Source.jsonData('config.json', { ...here, ...props.config });
    const common = {
      destinationBucket: this.bucket,
      prune: false,
      memoryLimit: 512,
      // The function that CDK makes for it would keep its logs for two years.
      logGroup: new logs.LogGroup(this, 'PublishLogs', {
        retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
      }),
    };
    if (!props.clientBuild) {
      Annotations.of(this).addWarningV2(
        '@tandem/infra:clientNotBuilt',
        'The client is not built, so this template refuses to deploy. Fix: npm run build -w @tandem/client.',
      );
      // A rule of the template itself: CloudFormation stops before it makes anything, with this line.
      new CfnRule(this, 'ClientIsBuilt', {
        assertions: [
          {
            assert: Fn.conditionEquals('not built', 'built'),
            assertDescription:
              'The client was not built when this template was made. Fix: npm run build -w @tandem/client, then deploy again.',
          },
        ],
      });
    }
    const page = '<!doctype html><title>Not built</title><p>npm run build -w @tandem/client</p>';
    const source = (exclude: string[]) =>
      props.clientBuild
        ? s3deploy.Source.asset(props.clientBuild, { exclude })
        : s3deploy.Source.data('index.html', page);
    // Names with a hash in them never change. They go first, so that no page ever names a file that is not there yet; and they
    // are never pruned, because a page that is open in a call still loads the old ones.
    const hashed = new s3deploy.BucketDeployment(this, 'Hashed', {
      ...common,
      sources: [source(props.clientBuild ? ['*', '!_next', '!_next/**'] : [])],
      cacheControl: props.clientBuild
        ? [s3deploy.CacheControl.fromString('public, max-age=31536000, immutable')]
        : [s3deploy.CacheControl.fromString('no-cache')],
    });
    const rest = new s3deploy.BucketDeployment(this, 'Pages', {
      ...common,
      sources: [source(['_next/**', '_next', 'security-headers.json', 'config.json']), config],
      cacheControl: [s3deploy.CacheControl.fromString('no-cache')],
      distribution: this.distribution,
      distributionPaths: ['/*'],
    });
    rest.node.addDependency(hashed);
  }
}
