/** A call is followed from the client through auth and both nodes, and on to the answer, under trace ids that the clients chose. */
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import { parseTraceparent } from '@tandem/service';
import { startCollector, startRedis } from '@tandem/service/testing';
import { startSignaling } from '@tandem/signaling';
import { testConfig } from '@tandem/signaling/testing';
import { expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { startTestAuth } from '../apps/auth/src/testing.ts';
import type { RuntimeConfig } from '../apps/client/src/config.ts';
import { requestIceServers, requestToken } from '../apps/client/src/lib/auth-api.ts';

const wait = { timeout: 60_000, interval: 50 };

test('token, credentials, join, offer and answer of a call are one trace through auth and each node they pass; unsampled calls leave none', async () => {
  await using collector = await startCollector();
  await using redis = await startRedis();
  await using auth = await startTestAuth({
    REDIS_URL: redis.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    TURN_URIS: 'turn:127.0.0.1:3478',
    TURN_SECRETS: 'a-secret-of-the-relay-and-auth',
  });
  const start = (name: string) =>
    startSignaling(
      testConfig(auth.jwksUrl, {
        NODE_NAME: name,
        LOG_LEVEL: 'info',
        REDIS_URL: redis.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      }),
      { stdout: { write() {} } },
    );
  await using north = await start('north');
  await using south = await start('south');
  const config = { authUrl: auth.url } as RuntimeConfig;
  vi.stubGlobal('location', new URL(auth.url));
  // As the web app asks (apps/client/src/call/warm.ts).
  const session = (name: string, url: string, traceSampling: number): SignalingSession => {
    const made: SignalingSession = new SignalingSession({
      url,
      getToken: async () => {
        const { token } = await requestToken(config, { userId: name }, made.traceparent);
        await requestIceServers(config, token, made.traceparent);
        return token;
      },
      WebSocket: WebSocket as unknown as WebSocketConstructor,
      traceSampling,
    });
    return made;
  };
  const ada = session('ada', north.wsUrl, 1);
  const ben = session('ben', south.wsUrl, 1);
  const cat = session('cat', south.wsUrl, 0);
  try {
    await Promise.all([ada.join('r'), ben.join('r'), cat.join('r')]);
    await vi.waitFor(() => expect([ada.peers.size, ben.peers.size, cat.peers.size]).toEqual([2, 2, 2]), wait);
    const sdp = { type: 'offer' as const, sdp: 'v=0' };
    const to = (s: SignalingSession) => s.peerId ?? expect.fail('no peer id');
    await ada.sendTo(to(ben), 'offer', { sdp });
    await ben.sendTo(to(ada), 'answer', { sdp: { ...sdp, type: 'answer' } });
    await cat.sendTo(to(ada), 'offer', { sdp });
    const traceId = (s: SignalingSession) => parseTraceparent(s.traceparent)?.traceId;
    const seen = (s: SignalingSession) => {
      const spans = collector.spans.filter((span) => span.traceId === traceId(s));
      return new Set(spans.map((span) => `${span.service === 'auth' ? 'auth' : span.node} ${span.name}`));
    };
    const entered = ['auth POST /auth/token', 'auth GET /auth/ice-servers'];
    await vi.waitFor(() => {
      expect(seen(ada)).toEqual(new Set([...entered, 'north join', 'north relay offer', 'south deliver offer']));
      expect(seen(ben)).toEqual(new Set([...entered, 'south join', 'north deliver answer', 'south relay answer']));
    }, wait);
    expect(cat.traceparent).toBeUndefined();
    const ours = new Set([ada, ben].map(traceId));
    expect(collector.spans.filter((s) => /(offer|answer|join)$/.test(s.name) && !ours.has(s.traceId))).toEqual([]);
    // Logs carry the same ids.
    await vi.waitFor(() => expect(collector.logs.some((l) => l.traceId === traceId(ada))).toBe(true), wait);
  } finally {
    for (const s of [ada, ben, cat]) s.close();
    vi.unstubAllGlobals();
  }
});
