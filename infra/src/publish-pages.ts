import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, CfnRule, Fn, Stack } from 'aws-cdk-lib';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as s3deploy from 'aws-cdk-lib/aws-s3-deployment';
import type { Construct } from 'constructs';
import { brandedManifest, MANIFEST } from '../topology/manifest.ts';
import type { WebClientProps } from './web-client-props.ts';

/** Where pages are kept and served. */
export interface PublishedAt {
  readonly bucket: s3.Bucket;
  readonly distribution: cloudfront.Distribution;
}

/**
 * Copies the client's build and its config.json into the bucket, and drops CloudFront's copies of the pages.
 * @returns what puts the pages in the place of those before
 */
export function publishPages(scope: Construct, props: WebClientProps, of: PublishedAt): s3deploy.BucketDeployment {
  const here = { signalingUrl: '', authUrl: '', region: Stack.of(scope).region };
  const config = s3deploy.Source.jsonData('config.json', { ...here, ...props.config });
  const built = props.clientBuild && join(props.clientBuild, MANIFEST);
  const manifest = built && existsSync(built) ? brandedManifest(readFileSync(built, 'utf8'), props.config) : undefined;
  const common = {
    destinationBucket: of.bucket,
    prune: false,
    memoryLimit: 512,
    // The function that CDK makes for it would keep its logs for two years.
    logGroup: new logs.LogGroup(scope, 'PublishLogs', {
      retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
    }),
  };
  if (!props.clientBuild) {
    Annotations.of(scope).addWarningV2(
      '@tandem/infra:clientNotBuilt',
      'The client is not built, so this template refuses to deploy. Fix: npm run build -w @tandem/client.',
    );
    // A rule of the template itself: CloudFormation stops before it makes anything, with this line.
    new CfnRule(scope, 'ClientIsBuilt', {
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
  const hashed = new s3deploy.BucketDeployment(scope, 'Hashed', {
    ...common,
    sources: [source(props.clientBuild ? ['*', '!_next', '!_next/**'] : [])],
    cacheControl: props.clientBuild
      ? [s3deploy.CacheControl.fromString('public, max-age=31536000, immutable')]
      : [s3deploy.CacheControl.fromString('no-cache')],
  });
  const rest = new s3deploy.BucketDeployment(scope, 'Pages', {
    ...common,
    sources: [
      source(['_next/**', '_next', 'security-headers.json', 'config.json', ...(manifest ? [MANIFEST] : [])]),
      config,
      ...(manifest ? [s3deploy.Source.data(MANIFEST, manifest)] : []),
    ],
    cacheControl: [s3deploy.CacheControl.fromString('no-cache')],
    distribution: of.distribution,
    distributionPaths: ['/*'],
  });
  rest.node.addDependency(hashed);
  return rest;
}
