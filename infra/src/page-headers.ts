import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { framingPolicy, isFramable } from '../topology/framing.ts';
import { globalName } from './global-name.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { WebClientProps } from './web-client-props.ts';

/** What CloudFront adds to every page: the headers of the client's build, over those that hold for any. */
export function pageHeaders(
  scope: Construct,
  { clientBuild: build, hsts = {}, config }: WebClientProps,
): cloudfront.ResponseHeadersPolicy {
  // The client's build knows the hashes of its inline scripts; without a build the strictest that can work.
  const file = build ? join(build, 'security-headers.json') : '';
  const given: Record<string, string> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const all = new Map(Object.entries({ ...SECURITY_HEADERS, ...given }).map(([k, v]) => [k.toLowerCase(), v]));
  const take = (name: string) => {
    const value = all.get(name);
    all.delete(name);
    return value;
  };
  const csp = framingPolicy(take('content-security-policy') ?? "default-src 'self'", config);
  const referrer = (take('referrer-policy') ?? 'no-referrer') as cloudfront.HeadersReferrerPolicy;
  take('x-content-type-options');
  take('strict-transport-security');
  take('x-frame-options');
  return new cloudfront.ResponseHeadersPolicy(scope, 'Headers', {
    comment: 'Security headers of the PWA',
    responseHeadersPolicyName: globalName(scope, 128),
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy: csp, override: true },
      contentTypeOptions: { override: true },
      ...(isFramable(config)
        ? {}
        : { frameOptions: { frameOption: cloudfront.HeadersFrameOption.DENY, override: true } }),
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
