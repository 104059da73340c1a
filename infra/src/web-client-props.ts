import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, type Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { check, checkDomain } from './check.ts';
import { checkPageSettings } from './check-page-settings.ts';
import { checkProps } from './check-props.ts';
import type { Edge } from './edge.ts';

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
   * Path patterns that go to the edge, in this order and no others.
   * @default - those of auth and signaling, and whatever Edge.addService and Edge.addStreams add, also after the WebClient is made
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
   * Settings that the page reads from /config.json: any JSON values, checked by the page's own readers (apps/client/src/config.ts).
   * @default - signaling and auth at the same origin, the region of the stack
   */
  readonly config?: { readonly [name: string]: unknown };
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

/** @throws Error naming the property and the fix */
export function checkWebClient(scope: Construct, props: WebClientProps): void {
  checkProps('WebClient', 'WebClientProps', props);
  checkDomain('WebClient', 'domainName', props.domainName);
  check(
    (props.certificate === undefined) === (props.domainName === undefined),
    'WebClient',
    props.certificate ? 'domainName' : 'certificate',
    'certificate and domainName go together',
    'give both or neither',
  );
  if (props.certificate) {
    const region = Stack.of(scope).splitArn(props.certificate.certificateArn, ArnFormat.SLASH_RESOURCE_NAME).region;
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
  checkPageSettings('WebClient', 'config', props.config);
}
