/** A call is followed from the SDK through both nodes, and on to the answer, under trace ids that the clients chose. */
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import { startCollector, startRedis } from '@tandem/service/testing';
import { startSignaling } from '@tandem/signaling';
import { startTestKeys, testConfig } from '@tandem/signaling/testing';
import { expect, test, vi } from 'vitest';
import WebSocket from 'ws';

const wait = { timeout: 60_000, interval: 50 };

test('offer and answer leave one span at each node they pass, through a real Redis; unsampled calls leave none', async () => {
  await using collector = await startCollector();
  await using keys = await startTestKeys();
  await using redis = await startRedis();
  const start = (name: string) =>
    startSignaling(
      testConfig(keys.jwksUrl, {
        NODE_NAME: name,
        LOG_LEVEL: 'info',
        REDIS_URL: redis.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      }),
      { stdout: { write() {} } },
    );
  await using north = await start('north');
  await using south = await start('south');
  const session = (name: string, url: string, traceSampling: number) =>
    new SignalingSession({
      url,
      getToken: () => keys.token(name),
      WebSocket: WebSocket as unknown as WebSocketConstructor,
      traceSampling,
    });
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
    const seen = (traceId: string | undefined) =>
      collector.spans
        .filter((s) => s.traceId === traceId)
        .map((s) => `${s.node} ${s.name}`)
        .sort();
    await vi.waitFor(() => {
      expect(new Set(seen(ada.traceId))).toEqual(new Set(['north relay offer', 'south deliver offer']));
      expect(new Set(seen(ben.traceId))).toEqual(new Set(['north deliver answer', 'south relay answer']));
    }, wait);
    expect(cat.traceId).toBeUndefined();
    const ours = new Set([ada.traceId, ben.traceId]);
    expect(collector.spans.filter((s) => / (offer|answer)$/.test(s.name) && !ours.has(s.traceId))).toEqual([]);
    // Logs carry the same ids.
    await vi.waitFor(() => expect(collector.logs.some((l) => l.traceId === ada.traceId)).toBe(true), wait);
  } finally {
    for (const s of [ada, ben, cat]) s.close();
  }
});
