import { expect, test } from 'vitest';
import { GradeFilter } from './grade-filter.ts';
import { mos, mosFromR, rFactor } from './mos.ts';
import { gradeOf, myView, QualityMeter } from './quality.ts';

test('E-model: the default connection is 4.4, and the known points of G.107 Annex B', () => {
  expect(rFactor(0, 0)).toBeCloseTo(93.2);
  expect(mosFromR(93.2)).toBeCloseTo(4.41, 2);
  // Table B.1: R = 90, 80, 70, 60, 50 stand for MOS 4.34, 4.03, 3.60, 3.10, 2.58.
  for (const [r, score] of [
    [90, 4.34],
    [80, 4.03],
    [70, 3.6],
    [60, 3.1],
    [50, 2.58],
  ] as const)
    expect(Math.abs(mosFromR(r) - score), `R = ${r}`).toBeLessThan(0.01);
  expect(mosFromR(0)).toBe(1);
  expect(mosFromR(-5)).toBe(1);
  expect(mosFromR(100)).toBe(4.5);
});

test('E-model: delay hurts more beyond 177.3 ms, loss by Bpl', () => {
  expect(rFactor(0, 100)).toBeCloseTo(93.2 - 2.4);
  expect(rFactor(0, 277.3)).toBeCloseTo(93.2 - 0.024 * 277.3 - 11);
  expect(rFactor(0.0251 * 10, 0)).toBeCloseTo(93.2 - 95 / 2);
});

test('E-model: more loss or more delay is never better', () => {
  for (let loss = 0; loss <= 1; loss += 0.05)
    for (let delay = 0; delay < 1000; delay += 50) {
      const score = mos(loss, delay);
      expect(score).toBeGreaterThanOrEqual(1);
      expect(score).toBeLessThanOrEqual(4.5);
      expect(mos(loss + 0.05, delay)).toBeLessThanOrEqual(score);
      expect(mos(loss, delay + 50)).toBeLessThanOrEqual(score);
    }
});

/** Counters of one moment; `n` intervals in. */
function report(n: number, change: Record<string, object> = {}): Map<string, unknown> {
  const stats: Record<string, object> = {
    audioIn: {
      type: 'inbound-rtp',
      kind: 'audio',
      mid: '0',
      packetsReceived: 100 * n,
      packetsLost: 0,
      bytesReceived: 8000 * n,
      jitter: 0.005,
      totalSamplesReceived: 96_000 * n,
      concealedSamples: 0,
      silentConcealedSamples: 0,
      jitterBufferDelay: 0.04 * 96_000 * n,
      jitterBufferEmittedCount: 96_000 * n,
    },
    videoIn: {
      type: 'inbound-rtp',
      kind: 'video',
      mid: '1',
      packetsReceived: 200 * n,
      packetsLost: 0,
      bytesReceived: 250_000 * n,
      framesDecoded: 60 * n,
      frameWidth: 1280,
      frameHeight: 720,
      totalFreezesDuration: 0,
      pliCount: 3 * n,
    },
    audioOut: { type: 'outbound-rtp', kind: 'audio', mid: '0', bytesSent: 8000 * n },
    videoOut: {
      type: 'outbound-rtp',
      kind: 'video',
      mid: '1',
      bytesSent: 250_000 * n,
      framesEncoded: 60 * n,
      qualityLimitationReason: 'none',
    },
    remoteVideo: { type: 'remote-inbound-rtp', kind: 'video', localId: 'videoOut', fractionLost: 0 },
    transport: { type: 'transport', selectedCandidatePairId: 'pair' },
    pair: {
      type: 'candidate-pair',
      localCandidateId: 'l',
      remoteCandidateId: 'r',
      currentRoundTripTime: 0.05,
      availableOutgoingBitrate: 2e6,
    },
    l: { type: 'local-candidate', candidateType: 'host', protocol: 'udp' },
    r: { type: 'remote-candidate', candidateType: 'srflx', protocol: 'udp' },
  };
  return new Map(Object.entries(stats).map(([id, stat]) => [id, { id, ...stat, ...change[id] }]));
}
const slot = (mid: string) => (mid === '0' ? 'audio' : mid === '1' ? 'video' : undefined);
const expects = { audio: true, video: true };

function reading(change: Record<string, object>) {
  const meter = new QualityMeter();
  meter.read(report(1), 2000, slot, expects);
  return meter.read(report(2, change), 4000, slot, expects);
}

test('a good leg: rates from differences, path, no trouble', () => {
  const q = reading({});
  expect(q.in.audio.bitrate).toBe(32_000);
  expect(q.in.video).toMatchObject({ bitrate: 1_000_000, fps: 30, width: 1280, height: 720, loss: 0, plis: 3 });
  expect(q.out.video.bitrate).toBe(1_000_000);
  expect(q.rtt).toBe(50);
  expect(q.path).toMatchObject({ local: 'host', remote: 'srflx', relayed: false, availableOutgoing: 2e6 });
  expect(q.trouble).toEqual([]);
  expect(q.grade).toBe('good');
  expect(q.mos).toBeGreaterThan(4.2);
  expect(myView(q)).toMatchObject({ mos: q.mos, loss: 0, fps: 30, bitrate: 1_032_000 });
});

test('on a connection that carries everybody, a reading is of one person', () => {
  const everybody = (n: number) => {
    const others = [...report(n)].map(
      ([id, stat]) => [`other ${id}`, { ...(stat as object), id: `other ${id}` }] as const,
    );
    const bad = { packetsReceived: n, packetsLost: 99 * n, bytesReceived: n, totalFreezesDuration: n };
    const theirs = others
      .filter(([id]) => id.endsWith('In'))
      .map(([id, stat], i) => [id, { ...stat, ...bad, mid: `${i + 7}` }] as const);
    return new Map<string, unknown>([...report(n), ...theirs]);
  };
  const meter = new QualityMeter();
  meter.read(everybody(1), 2000, slot, expects);
  const { in: mine, trouble } = meter.read(everybody(2), 4000, slot, expects);
  expect([mine.audio.bitrate, mine.audio.loss, mine.video.loss, trouble]).toEqual([32_000, 0, 0, []]);
});

test('the first reading has nothing to compare with and blames nobody', () => {
  const q = new QualityMeter().read(report(5), 1000, slot, expects);
  expect(q.trouble).toEqual([]);
  expect(q.in.video.bitrate).toBe(0);
});

test.each([
  ['loss-in', { audioIn: { packetsReceived: 180, packetsLost: 20 } }],
  ['loss-out', { remoteVideo: { fractionLost: 0.2 } }],
  ['delay', { pair: { currentRoundTripTime: 0.6 } }],
  ['jitter', { audioIn: { jitter: 0.08 } }],
  ['frozen', { videoIn: { totalFreezesDuration: 1.2 } }],
  ['uplink', { videoOut: { qualityLimitationReason: 'bandwidth' } }],
  ['cpu', { videoOut: { qualityLimitationReason: 'cpu' } }],
  [
    'no-media',
    {
      audioIn: { bytesReceived: 8000, packetsReceived: 100 },
      videoIn: { bytesReceived: 250_000, packetsReceived: 200 },
    },
  ],
] as const)('trouble %s is found and put in words', (code, change) => {
  const q = reading(change as Record<string, object>);
  const trouble = q.trouble.find((t) => t.code === code);
  expect(trouble?.words).toMatch(/\w{3}.*\.$/);
  expect(q.grade).not.toBe('good');
});

test('concealed sound counts as lost, silence does not', () => {
  const bad = reading({ audioIn: { concealedSamples: 19_200 } });
  expect(bad.mos).toBeLessThan(3);
  const silent = reading({ audioIn: { concealedSamples: 19_200, silentConcealedSamples: 19_200 } });
  expect(silent.mos).toBeGreaterThan(4);
});

test('a relay shows, with how it is reached', () => {
  const q = reading({ l: { candidateType: 'relay', relayProtocol: 'tls', url: 'turns:turn.example.org:443' } });
  expect(q.path).toMatchObject({ relayed: true, relayProtocol: 'tls', relayUrl: 'turns:turn.example.org:443' });
});

test('counters that were reset give no negative figures', () => {
  const meter = new QualityMeter();
  meter.read(report(9), 2000, slot, expects);
  const q = meter.read(report(1), 4000, slot, expects);
  expect(q.in.video.bitrate).toBe(0);
});

test('the grade that is reported lasts: worse after 2 readings, better after 3', () => {
  const filter = new GradeFilter();
  expect(['poor', 'good', 'poor', 'poor', 'good', 'good', 'good'].map((g) => filter.push(g as 'poor'))).toEqual([
    undefined,
    undefined,
    undefined,
    'poor',
    undefined,
    undefined,
    'good',
  ]);
  expect(gradeOf(4.2, [])).toBe('good');
  expect(gradeOf(3.5, [])).toBe('fair');
  expect(gradeOf(2.9, [])).toBe('poor');
});
