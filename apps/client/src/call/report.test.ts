import { CallReport } from '@tandem/protocol';
import type { PairQuality, RemotePeer } from '@tandem/rtc';
import { Compile } from 'typebox/compile';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { QualityHistory } from './history.ts';
import { CallReporter, prepareReports, reportCall, sendRating } from './report.ts';

const check = Compile(CallReport);
let sent: CallReport[] = [];
let settings: object = {};

beforeEach(async () => {
  sent = [];
  vi.useFakeTimers();
  vi.stubGlobal('location', { origin: 'https://call.example', search: '' });
  vi.stubGlobal('fetch', async (url: string, init?: RequestInit) => {
    if (String(url).endsWith('/config.json')) return Response.json({ region: 'eu-central-1', ...settings });
    const report = JSON.parse(String(init?.body)) as CallReport;
    // What the service would refuse never arrives.
    expect([...check.Errors(report)]).toEqual([]);
    expect([url, init?.keepalive]).toEqual(['https://call.example/reports', true]);
    sent.push(report);
    return new Response(null, { status: 204 });
  });
  await prepareReports();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const reading = (at: number, mos: number): PairQuality => ({
  at,
  mos,
  grade: 'good',
  rtt: 20,
  path: { local: 'relay', remote: 'host', relayProtocol: 'tls' } as NonNullable<PairQuality['path']>,
  in: { audio: { bitrate: 1, loss: 0.01 }, video: { bitrate: 1, loss: 0 }, screen: { bitrate: 0 } },
  out: { audio: { bitrate: 1 }, video: { bitrate: 1 }, screen: { bitrate: 0 } },
  trouble: [],
});
const peer = (
  peerId: string,
  timings: Record<string, number>,
  quality?: PairQuality,
  topology: RemotePeer['topology'] = 'mesh',
) => ({ peerId, timings, quality, topology }) as unknown as RemotePeer;

test('tells each leg by how it went: up, dropped, failed and why, or given up by a person in time', () => {
  const reporter = new CallReporter(new QualityHistory());
  reporter.sawPeople(5);
  const end = (timings: Record<string, number>, reason: string, afterMs: number) => {
    reporter.legBegan('p');
    vi.advanceTimersByTime(afterMs);
    reporter.legEnded(peer('p', timings), reason);
  };
  end({ connected: 300 }, 'left', 60_000);
  end({ connected: 300 }, 'timeout', 60_000);
  end({}, 'left', 3_000);
  end({ 'answer-sent': 90 }, 'left', 20_000);
  end({ 'offer-sent': 90 }, 'left', 20_000);
  end({ 'offer-sent': 90 }, 'timeout', 3_000);
  end({ 'offer-sent': 90 }, 'abnormal', 3_000);
  reporter.send();
  reporter.send();
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({ version: 1, region: 'eu-central-1', roomSize: 5 });
  expect(sent[0]?.legs.map((l) => [l.outcome, l.dropped, l.failure])).toEqual([
    ['connected', false, undefined],
    ['connected', true, undefined],
    ['abandoned', undefined, undefined],
    ['failed', undefined, 'ice-failed'],
    ['failed', undefined, 'timeout'],
    ['failed', undefined, 'peer-gone'],
    ['failed', undefined, 'signaling-unreachable'],
  ]);
});

test('a running call tells the quality since the last time; the end tells all of it, and resumes once', () => {
  const history = new QualityHistory();
  const reporter = new CallReporter(history);
  const p = peer('p', { connected: 200 }, reading(1, 4));
  reporter.legBegan('p');
  reporter.restarted('p');
  reporter.resumed(true);
  reporter.resumed(false);
  for (let i = 1; i <= 10; i++) history.push('p', reading(i * 2000, 4.2));
  reporter.interim([p]);
  for (let i = 11; i <= 19; i++) history.push('p', reading(i * 2000, 2));
  reporter.interim([p, peer('connecting', {})]);
  reporter.interim([p]);
  reporter.legEnded(p, 'left');
  reporter.send();
  expect(sent.map((r) => r.legs.map((l) => [l.phase, l.mos, l.path, l.relayProtocol, l.iceRestarts]))).toEqual([
    [['interim', 4.2, 'relay', 'tls', undefined]],
    [['interim', 2, 'relay', 'tls', undefined]],
    [['end', 4.2, 'relay', 'tls', 1]],
  ]);
  expect(sent.map((r) => r.resumes)).toEqual([undefined, undefined, { ok: 1, failed: 1 }]);
});

test('a leg by a media node tells its picture: the first one, and for how long it moved and stood', () => {
  const history = new QualityHistory();
  const reporter = new CallReporter(history);
  reporter.legBegan('p');
  const { in: heard, ...rest } = reading(0, 4);
  const push = (at: number, video: object) =>
    history.push('p', { ...rest, at, in: { ...heard, video: { bitrate: 1, ...video } } });
  push(0, { fps: 30, frozen: 0, plis: 7 });
  push(2000, { fps: 30, frozen: 0, plis: 1 });
  push(4000, { fps: 0, frozen: 1.5, plis: 2 });
  push(6000, { fps: 0, frozen: 0 });
  push(8000, { fps: 20, frozen: 0.25 });
  for (const step of ['sfu:7', 'sfu-up:7', 'sfu-up:7', 'sfu:9', 'sfu-failed:9', 'sfu-up:11']) reporter.switched(step);
  reporter.legEnded(peer('p', { connected: 300, 'sfu-video': 450, 'first-frame': 900 }, reading(1, 4), 'sfu'), 'left');
  reporter.send();
  expect(sent[0]?.switches).toEqual({ ok: 2, failed: 1 });
  expect(sent[0]?.legs[0]).toMatchObject({ topology: 'sfu', firstPictureMs: 450, pictureMs: 6000, frozenMs: 1750 });
  // Asked for before the first picture that is counted: it belongs to no time.
  expect(sent[0]?.legs[0]?.keyframeRequests).toBe(3);
});

test.each([
  ['room_full', 'abandoned', 'room-full'],
  ['room_locked', 'abandoned', 'other'],
  ['forbidden', 'abandoned', 'token-refused'],
  ['token_refused', 'failed', 'token-refused'],
  ['unavailable', 'failed', 'signaling-unreachable'],
  ['who knows', 'failed', 'other'],
])('a join that ended with %s is a leg that %s: %s', (code, outcome, failure) => {
  const reporter = new CallReporter(new QualityHistory());
  reporter.refused(code);
  reporter.send();
  expect(sent[0]?.legs).toEqual([{ outcome, phase: 'end', failure }]);
});

test('leaving before anybody came is nothing to tell; a rating is', () => {
  const reporter = reportCall(new QualityHistory());
  reporter.refused('left');
  reporter.send();
  sendRating(2, ['audio']);
  expect(sent).toMatchObject([{ rating: 2, issues: ['audio'], legs: [] }]);
});

test('with sampling some calls report, say how many do, and the others are silent altogether', async () => {
  settings = { reportSampling: 0.5 };
  vi.resetModules();
  const fresh = await import('./report.ts');
  await fresh.prepareReports();
  for (const dice of [0.4, 0.6]) {
    vi.spyOn(Math, 'random').mockReturnValue(dice);
    const reporter = fresh.reportCall(new QualityHistory());
    reporter.refused('unavailable');
    reporter.send();
    fresh.sendRating(5, []);
  }
  vi.restoreAllMocks();
  settings = {};
  expect(sent.map((r) => [r.sampling, r.legs.length, r.rating])).toEqual([
    [0.5, 1, undefined],
    [0.5, 0, 5],
  ]);
});
