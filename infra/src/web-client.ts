import { Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type * as s3deploy from 'aws-cdk-lib/aws-s3-deployment';
import { Construct, type IDependable } from 'constructs';
import { type PreviewBrand, previewBrand } from '../topology/link-preview.ts';
import { acknowledge, BASIC_EXECUTION } from './acknowledge.ts';
import { type Edge, NETWORK_HEADER } from './edge.ts';
import { ORIGIN_SECONDS } from './edge-props.ts';
import { globalName } from './global-name.ts';
import { pageHeaders } from './page-headers.ts';
import { publishPages } from './publish-pages.ts';
import { serviceBehaviors } from './service-behaviors.ts';
import { viewerRequestCode } from './viewer-request.ts';
import { vpcOfOrigin } from './vpc-origin.ts';
import { checkWebClient, type WebClientProps } from './web-client-props.ts';

/** For previews of links. What only the deployment knows is no part of a function's source, so a name of that kind is not said there. */
function brandOf(config: WebClientProps['config']): PreviewBrand {
  const brand = previewBrand(config);
  return Token.isUnresolved(config?.branding) || Token.isUnresolved(brand.name) ? { ...brand, name: '' } : brand;
}

/** Of the pages: private, read by CloudFront alone. */
function newBucket(scope: Construct, removalPolicy: RemovalPolicy): s3.Bucket {
  return new s3.Bucket(scope, 'Bucket', {
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
}

/** What S3 answers for an object that is not there: 403 to a reader who may not list the bucket. S3 API reference, "GetObject". */
const MISSING = [403, 404] as const;

/**
 * Errors that CloudFront would keep for ten seconds, by path alone, even where nothing else is kept: who is refused without a token would take the answer
 * from all others. Developer Guide, "Control how long CloudFront caches errors"; the codes are those of the API reference, "CustomErrorResponse".
 */
const UNKEPT = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504] as const;

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
  private readonly published: s3deploy.BucketDeployment;

  constructor(scope: Construct, id: string, props: WebClientProps = {}) {
    super(scope, id);
    checkWebClient(this, props);
    this.bucket = newBucket(this, props.removalPolicy ?? RemovalPolicy.RETAIN);
    const headers = pageHeaders(this, props);
    const viewerRequest = new cloudfront.Function(this, 'ViewerRequest', {
      comment: 'Viewer address, token out of the URL, folders to index.html',
      runtime: cloudfront.FunctionRuntime.JS_2_0,
      code: cloudfront.FunctionCode.fromInline(viewerRequestCode(NETWORK_HEADER, brandOf(props.config))),
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
      // A distribution has one set of error pages, and with services it would take the place of their own 403 and 404 answers too.
      errorResponses: services
        ? UNKEPT.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) }))
        : MISSING.map((httpStatus) => ({ httpStatus, responseHttpStatus: 404, responsePagePath: '/404.html' })),
      defaultRootObject: 'index.html',
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      priceClass: props.priceClass ?? cloudfront.PriceClass.PRICE_CLASS_ALL,
      enableIpv6: true,
      ...(props.domainName && props.certificate
        ? {
            domainNames: [props.domainName],
            certificate: props.certificate,
            // CloudFront's own name has a fixed one.
            minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
          }
        : {}),
      ...(props.webAclArn ? { webAclId: props.webAclArn } : {}),
    });
    if (services && props.edge)
      serviceBehaviors(this, this.distribution, {
        origin: services,
        edge: props.edge,
        patterns: props.edgePatterns,
        functionAssociations,
      });
    const vpc = props.edge?.loadBalancer.vpc;
    if (vpc) vpcOfOrigin(this, { vpc, distribution: this.distribution, logRetention: props.logRetention });
    this.origin = `https://${props.domainName ?? this.distribution.distributionDomainName}`;
    this.published = publishPages(this, props, { bucket: this.bucket, distribution: this.distribution });
    this.explain(props);
  }

  /** Let `grantee` drop cached copies, as a release pipeline does. */
  grantInvalidate(grantee: iam.IGrantable): iam.Grant {
    return this.distribution.grantCreateInvalidation(grantee);
  }

  /**
   * Publish the pages of a deployment only when these were created or updated: a new page may ask the services for what an old one of them
   * does not know. Services outside of this stack are not waited for.
   */
  publishAfter(...services: IDependable[]): void {
    this.published.node.addDependency(...services);
  }

  /** Why the rules of cdk-nag that are left do not apply. */
  private explain(props: WebClientProps): void {
    acknowledge(this.bucket, {
      'AwsSolutions-S1': 'Public files, read by CloudFront alone; there is no other reader to log.',
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
      readTimeout: Duration.seconds(ORIGIN_SECONDS),
      keepaliveTimeout: Duration.seconds(ORIGIN_SECONDS),
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
}
