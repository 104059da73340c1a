/**
 * Who sends requests over a connection again and again ends it before the other side does: else a request meets its end, and the caller gets a 502. "configure the idle
 * timeout of your application to be larger than the idle timeout configured for the load balancer" (Elastic Load Balancing guide, "Edit attributes for your Application
 * Load Balancer"). Media nodes: media-node/src/streams/stream-app.test.ts.
 */
import { startTestAuth } from '@tandem/auth/testing';
import { startTestCaptions } from '@tandem/captions/testing';
import { startTestHooks } from '@tandem/hooks/testing';
import { startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { expect, test } from 'vitest';
import { start } from '../local/edge/testing.ts';
import { resourcesOf } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
/** Most that an ALB takes as `idle_timeout.timeout_seconds`, which is its connections to targets too: API reference, "LoadBalancerAttribute". */
const LONGEST_ALB = 4000;
/** Caddy's manual, reverse_proxy, "The http transport", `keepalive`. */
const CADDY = 120;

/** What a server says that it keeps an idle connection (RFC 2068, 19.7.1.1), s. */
async function keeps(origin: string): Promise<number> {
  const answer = await fetch(`${origin}/health/live`);
  await answer.text();
  return Number(/timeout=(\d+)/.exec(answer.headers.get('keep-alive') ?? '')?.[1]);
}

test('each service keeps a connection longer than any load balancer that is in front of it', async () => {
  await using redis = await startRedis();
  await using auth = await startTestAuth();
  await using signaling = await startTestNode({ keys: auth });
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: auth.jwksUrl });
  await using captions = await startTestCaptions({ jwksUrl: auth.jwksUrl, recognizers: 'en=ws://127.0.0.1:2700' });
  for (const { port } of [auth, signaling, hooks, captions])
    expect(await keeps(`http://127.0.0.1:${port}`)).toBeGreaterThan(LONGEST_ALB);
});

test('the edge of compose keeps a connection longer than the Caddy in front of it', async () => {
  const { origin } = await start({});
  expect(await keeps(origin)).toBeGreaterThan(CADDY);
});

test('on AWS: CloudFront ends its connections before the load balancer does', () => {
  const { all, one } = resourcesOf(synthesize(PRODUCTION, { checks: false, built: false }));
  const balancer = all('AWS::ElasticLoadBalancingV2::LoadBalancer').find((b) => b.properties.Type === 'application');
  const attributes = balancer?.properties.LoadBalancerAttributes;
  const idle = Number(attributes.find(({ Key }: Any) => Key === 'idle_timeout.timeout_seconds').Value);
  const { Origins } = one('AWS::CloudFront::Distribution').properties.DistributionConfig;
  const [{ VpcOriginConfig }] = Origins.filter((origin: Any) => origin.VpcOriginConfig);
  // CloudFront guide, "Origin settings", "Keep-alive timeout" and "Response timeout": by the latter the load balancer must not have given up the request.
  expect(idle).toBeGreaterThan(VpcOriginConfig.OriginKeepaliveTimeout);
  expect(idle).toBeGreaterThan(VpcOriginConfig.OriginReadTimeout);
});
