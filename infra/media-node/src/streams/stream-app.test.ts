/** What happens while a stream is being opened; the rules of the protocols are in test/streams*.test.ts. */
import type { AccessClaims } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import { expect, test } from 'vitest';
import { createStreamApp, type StreamAppOptions, type StreamProtocol } from './stream-app.ts';
import { StreamSessions } from './stream-sessions.ts';

const claims = { sub: 'ada', session_id: 's', jti: 'j', iat: 1, exp: Date.now() / 1000 + 600 } as AccessClaims;
const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=recvonly',
  'a=rtpmap:111 opus/48000/2',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
  'a=setup:actpass',
  'a=rtcp-mux',
  '',
].join('\r\n');

test('a token that is revoked while its stream is opened gets none, and what was opened ends', async () => {
  let revoked = false;
  const ends: string[] = [];
  const sessions = new StreamSessions({ node: 'm1', most: 10 });
  const protocol = (direction: 'sends' | 'receives'): StreamProtocol => ({
    sessions,
    direction,
    open: async ({ offer }) => {
      revoked = true;
      const connection = { credentials: offer.credentials, candidate: () => {}, end: (why: string) => ends.push(why) };
      return { connection, answer: 'v=0' };
    },
  });
  const app = createStreamApp({
    trustedProxies: 1,
    verifier: { verify: async () => claims },
    isRevoked: () => revoked,
    whip: protocol('sends'),
    whep: protocol('receives'),
    node: 'm1',
    redis: undefined as unknown as StreamAppOptions['redis'],
    links: async () => [],
    isLeaving: () => false,
    complain: () => {},
  });
  const headers = { authorization: 'Bearer token', 'content-type': 'application/sdp' };
  const answer = await app.inject({ method: 'POST', url: '/whep/room', headers, payload: OFFER });
  expect([answer.statusCode, answer.json().code]).toEqual([401, 'revoked']);
  expect(ends).toHaveLength(1);
  expect(sessions.size).toBe(0);
  await app.close();
});

test('requests that the node could not serve are counted once, with their code, where they failed; refusals are not', async () => {
  const failed: string[] = [];
  let problem = new ProblemError(503, 'busy', 'full');
  const refuses = (direction: 'sends' | 'receives'): StreamProtocol => ({
    sessions: new StreamSessions({ node: 'm1', most: 10 }),
    direction,
    open: async () => {
      throw problem;
    },
  });
  const app = createStreamApp({
    trustedProxies: 1,
    verifier: { verify: async () => claims },
    isRevoked: () => false,
    whip: refuses('sends'),
    whep: refuses('receives'),
    node: 'm1',
    redis: undefined as unknown as StreamAppOptions['redis'],
    links: async () => [],
    isLeaving: () => false,
    failed: (protocol, code) => failed.push(`${protocol} ${code}`),
    complain: () => {},
  });
  const ask = (protocol: string, more: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: `/${protocol}/room`,
      headers: { authorization: 'Bearer token', 'content-type': 'application/sdp', ...more },
      payload: protocol === 'whip' ? OFFER.replace('recvonly', 'sendonly') : OFFER,
    });
  expect((await ask('whip')).statusCode).toBe(503);
  expect((await ask('whep')).statusCode).toBe(503);
  expect((await ask('whep', { 'x-tandem-hop': '1' })).statusCode).toBe(503);
  problem = new ProblemError(409, 'not_live', 'none');
  expect((await ask('whep')).statusCode).toBe(409);
  expect(failed).toEqual(['whip busy', 'whep busy', 'whep busy']);
  await app.close();
});

test('no address has any number of signatures checked; another one is not refused for it', async () => {
  let checked = 0;
  const none: StreamProtocol = {
    sessions: new StreamSessions({ node: 'm1', most: 10 }),
    direction: 'receives',
    open: async () => {
      throw new ProblemError(409, 'not_live', 'none');
    },
  };
  const app = createStreamApp({
    trustedProxies: 1,
    verifier: {
      verify: async () => {
        checked++;
        return claims;
      },
    },
    isRevoked: () => false,
    whip: none,
    whep: none,
    node: 'm1',
    redis: undefined as unknown as StreamAppOptions['redis'],
    links: async () => [],
    isLeaving: () => false,
    complain: () => {},
  });
  const ask = (address: string) =>
    app.inject({
      method: 'DELETE',
      url: '/whep/room/m1.none',
      headers: { authorization: 'Bearer token', 'x-forwarded-for': `10.9.9.9, ${address}` },
    });
  const flood = await Promise.all(Array.from({ length: 400 }, (_, i) => ask(`2001:db8:0:1::${i.toString(16)}`)));
  expect(flood.filter(({ statusCode }) => statusCode === 404)).toHaveLength(300);
  const refused = flood.filter(({ statusCode }) => statusCode === 429);
  expect(refused).toHaveLength(100);
  expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0);
  expect((await ask('2001:db8:0:2::1')).statusCode).toBe(404);
  expect(checked).toBe(301);
  await app.close();
});

test('an idle connection is kept longer than any load balancer in front keeps it', async () => {
  const protocol = { sessions: new StreamSessions({ node: 'm1', most: 1 }) } as unknown as StreamProtocol;
  const app = createStreamApp({
    whip: protocol,
    whep: protocol,
    isLeaving: () => false,
  } as unknown as StreamAppOptions);
  const answer = await fetch(`${await app.listen({ host: '127.0.0.1', port: 0 })}/health/live`);
  await answer.text();
  await app.close();
  // Elastic Load Balancing guide, "Edit attributes for your Application Load Balancer": larger than its idle timeout, of 4,000 s at most (API reference, "LoadBalancerAttribute").
  const [, seconds] = /timeout=(\d+)/.exec(answer.headers.get('keep-alive') ?? '') ?? [];
  expect(Number(seconds)).toBeGreaterThan(4000);
});
