/** The load balancer's web ACL, as AWS WAF evaluates it: what counts for which limit, and that it is never below what the services promise. */
import { AuthConfig } from '@tandem/auth/config';
import { SignalingConfig } from '@tandem/signaling/config';
import { Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { Edge, MediaDirectory, MediaFleet, Network, SessionCache } from '../src/index.ts';
import { topology } from '../topology/index.ts';
import { resourcesOf } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
interface Request {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const { one } = resourcesOf(synthesize(PRODUCTION, { checks: false, built: false }));
const rules: Any[] = one('AWS::WAFv2::WebACL').properties.Rules.filter(
  (rule: Any) => rule.Statement.RateBasedStatement,
);

/**
 * Whether a request matches a statement. Sources: AWS WAF API reference, "ByteMatchStatement" (STARTS_WITH: the string is at the beginning of the component), "RegexMatchStatement",
 * "SizeConstraintStatement"; guide, "Logical rule statements". Knows no other.
 */
function matches(statement: Any, request: Request): boolean {
  const [[kind, of] = []] = Object.entries<Any>(statement);
  if (kind === 'AndStatement') return of.Statements.every((each: Any) => matches(each, request));
  if (kind === 'OrStatement') return of.Statements.some((each: Any) => matches(each, request));
  if (kind === 'NotStatement') return !matches(of.Statement, request);
  const name = of.FieldToMatch.SingleHeader?.Name;
  const field = name ? (request.headers?.[name] ?? '') : request.path;
  if (kind === 'ByteMatchStatement' && of.PositionalConstraint === 'STARTS_WITH')
    return field.startsWith(of.SearchString);
  if (kind === 'RegexMatchStatement') return new RegExp(of.RegexString).test(field);
  if (kind === 'SizeConstraintStatement' && of.ComparisonOperator === 'GT') return field.length > of.Size;
  throw new Error(`${kind} is not known here`);
}

/** A rate-based rule counts what its scope-down statement matches; without one, all. */
const countedBy = (request: Request): string[] =>
  rules
    .filter(({ Statement: { RateBasedStatement: rate } }) => matches(rate.ScopeDownStatement, request))
    .map(({ Name }) => Name)
    .sort();
const perSecond = (name: string): number => {
  const { Limit, EvaluationWindowSec } = rules.find(({ Name }) => Name === name).Statement.RateBasedStatement;
  return Limit / EvaluationWindowSec;
};

test('a backend counts for its own limit alone, and a header does not take anybody else out of theirs', () => {
  const headers = { 'x-api-key': 'key' };
  expect(countedBy({ path: '/auth/token', headers })).toEqual(['ApiRate']);
  expect(countedBy({ path: '/v1/rooms', headers: { authorization: 'Bearer t' } })).toEqual(['ApiRate']);
  expect(countedBy({ path: '/v1/tokens' })).toEqual(['ApiRate']);
  expect(countedBy({ path: '/auth/token' })).toEqual(['AddressRate', 'AuthRate']);
  expect(countedBy({ path: '/auth/token', headers: { 'x-api-key': '' } })).toEqual(['AddressRate', 'AuthRate']);
  for (const path of ['/ws/signal', '/reports', '/captions/en', '/whip/room', '/a/v1/rooms'])
    expect(countedBy({ path, headers })).toEqual(['AddressRate']);
  expect(countedBy({ path: '/whep/room/hls/live.m3u8' })).toEqual(['PlaylistRate']);
});

test('one key may ask as often as docs/server-api.md says, from one address', () => {
  const tasks = topology.signaling.replicas.production;
  const { default: ofNode } = SignalingConfig.properties.API_REQUESTS_PER_SECOND as { default?: number };
  const { default: ofMinute } = AuthConfig.properties.RATE_PER_KEY as { default?: number };
  expect([ofNode, ofMinute]).toEqual([50, 6000]);
  expect(perSecond('ApiRate')).toBeGreaterThanOrEqual(50 * tasks);
  expect(perSecond('ApiRate')).toBeGreaterThanOrEqual(6000 / 60);
});

test('whoever is refused learns when to come back, as from the services', () => {
  // RFC 9110, 10.2.3; RFC 6585, section 4. AWS WAF API reference, "CustomResponse": any header but content-type.
  for (const { Action } of rules) {
    const { ResponseCode, ResponseHeaders } = Action.Block.CustomResponse;
    expect(ResponseCode).toBe(429);
    expect(ResponseHeaders).toEqual([{ Name: 'retry-after', Value: expect.stringMatching(/^[1-9]\d*$/) }]);
  }
});

test.each([
  ['with packagers have a limit of their own, as in the topology', 2, 75_000],
  ['without packagers are none: no rule', 0, undefined],
])('playlists of an Edge of its own, of media nodes %s', (_, packagers, limit) => {
  const stack = new Stack();
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const image = ContainerImage.fromRegistry('example');
  const directory = new MediaDirectory(stack, 'MediaDirectory', { cache: new SessionCache(stack, 'Cache', { vpc }) });
  const edge = new Edge(stack, 'Edge', { vpc });
  edge.addStreams(
    new MediaFleet(stack, 'Media', {
      ...{ vpc, image, packagers, packagerImage: image, directory: directory.access },
      ...{ authUrl: 'https://calls.example.com', signalingUrl: 'wss://calls.example.com/ws/signal' },
    }),
    30,
  );
  const own = stack.resolve(edge.webAcl.rules) as Any[];
  const limitOf = (name: string) => own.find((rule) => rule.name === name)?.statement.rateBasedStatement.limit;
  expect([limitOf('PlaylistRate'), limitOf('AddressRate')]).toEqual([limit, 3000]);
  // What is counted there is not counted among all.
  const all = JSON.stringify(own.find((rule) => rule.name === 'AddressRate').statement);
  expect(all.includes('/hls/')).toBe(limit !== undefined);
});
