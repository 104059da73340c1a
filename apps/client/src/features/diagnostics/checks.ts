import { audioContext, LevelMeter } from '@tandem/react';
import type { MessageKey, Values } from '../../i18n/index.ts';
import { requestIceServers, requestToken } from '../../lib/auth-api.ts';
import { preferences } from '../../lib/preferences.ts';
import { loadRuntimeConfig, signalingSocketUrl } from '../../lib/runtime-config.ts';

export type CheckName = 'camera' | 'microphone' | 'service' | 'relay' | 'loop';
export const CHECKS: readonly CheckName[] = ['camera', 'microphone', 'service', 'relay', 'loop'];
export interface CheckResult {
  readonly verdict: 'pass' | 'warn' | 'fail' | 'skip';
  readonly key: MessageKey;
  readonly values?: Values;
}

/** What one check learns for the next. */
export interface Findings {
  iceServers?: RTCIceServer[];
  relayWorks?: boolean;
}

const SILENCE_RMS = 1e-4;
const GATHER_MS = 6000;
const LOOP_MS = 15_000;
const SOCKET_MS = 10_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const failed = (error: unknown): CheckResult => ({
  verdict: 'fail',
  key: 'diag.failed',
  values: { detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error) },
});

async function camera(): Promise<CheckResult> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  try {
    const track = stream.getVideoTracks()[0];
    const { width = 0, height = 0 } = track?.getSettings() ?? {};
    return {
      verdict: 'pass',
      key: 'diag.cameraGood',
      values: { width: String(width), height: String(height), device: track?.label ?? '' },
    };
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

/** Listens for two seconds; a person may say something, but any live microphone gives at least noise. */
async function microphone(): Promise<CheckResult> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const track = stream.getAudioTracks()[0];
  if (!track) throw new Error('no track');
  const device = track.label;
  const context = audioContext();
  const meter = new LevelMeter(context, track);
  try {
    let top = 0;
    for (let i = 0; i < 20; i++) {
      await pause(100);
      top = Math.max(top, meter.read());
    }
    // A context that never ran reads zeros from any microphone.
    if (context.state !== 'running') return { verdict: 'warn', key: 'diag.microphoneUnheard', values: { device } };
    return top > SILENCE_RMS
      ? { verdict: 'pass', key: 'diag.microphoneGood', values: { device } }
      : { verdict: 'warn', key: 'diag.microphoneSilent', values: { device } };
  } finally {
    meter.stop();
  }
}

async function service(findings: Findings): Promise<CheckResult> {
  const config = await loadRuntimeConfig();
  const { userId } = preferences.get();
  let started = performance.now();
  const { token } = await requestToken(config, { userId });
  const http = Math.round(performance.now() - started);
  const answer = await requestIceServers(config, token);
  findings.iceServers = answer.iceServers;
  const { SignalingSession } = await import('@tandem/rtc');
  started = performance.now();
  const session = new SignalingSession({ url: signalingSocketUrl(config), getToken: async () => token });
  try {
    const opened = await Promise.race([session.connect().then(() => true), pause(SOCKET_MS).then(() => false)]);
    if (!opened) return { verdict: 'fail', key: 'diag.socketBlocked', values: { http, seconds: SOCKET_MS / 1000 } };
    return {
      verdict: 'pass',
      key: 'diag.serviceGood',
      values: { http, socket: Math.round(performance.now() - started) },
    };
  } finally {
    session.close();
  }
}

/** How a TURN address is reached: RFC 7065. */
export function relayKind(url: string): 'udp' | 'tcp' | 'tls' | undefined {
  if (url.startsWith('turns:')) return 'tls';
  if (url.startsWith('turn:')) return /transport=tcp/.test(url) ? 'tcp' : 'udp';
  return undefined;
}

/** Does this one address give a relay candidate? */
async function gathersRelay(server: RTCIceServer): Promise<boolean> {
  const connection = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: 'relay' });
  try {
    connection.createDataChannel('probe');
    const found = new Promise<boolean>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.type === 'relay') resolve(true);
        else if (candidate === null) resolve(false);
      };
      setTimeout(() => resolve(false), GATHER_MS);
    });
    await connection.setLocalDescription();
    return await found;
  } finally {
    connection.close();
  }
}

async function relay(findings: Findings): Promise<CheckResult> {
  const addresses = (findings.iceServers ?? []).flatMap((server) =>
    [server.urls].flat().flatMap((url) => {
      const kind = relayKind(url);
      return kind ? [{ kind, server: { ...server, urls: url } }] : [];
    }),
  );
  if (addresses.length === 0) return { verdict: 'warn', key: 'diag.relayNone' };
  const reached = await Promise.all(addresses.map(async (a) => ((await gathersRelay(a.server)) ? a.kind : undefined)));
  const kinds = [...new Set(reached.filter((kind) => kind !== undefined))];
  findings.relayWorks = kinds.length > 0;
  if (kinds.length === 0) return { verdict: 'fail', key: 'diag.relayBad' };
  const names = (list: readonly string[]) => list.map((kind) => kind.toUpperCase()).join(', ');
  const missing = [...new Set(addresses.map((a) => a.kind))].filter((kind) => !kinds.includes(kind));
  return missing.length === 0
    ? { verdict: 'pass', key: 'diag.relayGood', values: { list: names(kinds) } }
    : { verdict: 'warn', key: 'diag.relayPart', values: { list: names(kinds), missing: names(missing) } };
}

/** A moving picture without a camera. */
function testPicture(): { track: MediaStreamTrack; stop: () => void } {
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 240;
  const paint = canvas.getContext('2d');
  let n = 0;
  const timer = setInterval(() => {
    if (!paint) return;
    paint.fillStyle = `hsl(${(n++ * 11) % 360} 60% 50%)`;
    paint.fillRect(0, 0, 320, 240);
  }, 50);
  const track = canvas.captureStream(20).getVideoTracks()[0];
  if (!track) throw new Error('captureStream');
  return {
    track,
    stop: () => {
      clearInterval(timer);
      track.stop();
    },
  };
}

/** A whole call with oneself, both legs forced through the relay: what a strict firewall would leave. */
async function loop(findings: Findings): Promise<CheckResult> {
  if (!findings.relayWorks) return { verdict: 'skip', key: 'diag.loopNeeds' };
  const configuration: RTCConfiguration = { iceServers: findings.iceServers ?? [], iceTransportPolicy: 'relay' };
  const a = new RTCPeerConnection(configuration);
  const b = new RTCPeerConnection(configuration);
  const picture = testPicture();
  try {
    a.onicecandidate = ({ candidate }) => void b.addIceCandidate(candidate ?? undefined).catch(() => {});
    b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate ?? undefined).catch(() => {});
    const started = performance.now();
    a.addTrack(picture.track);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription as RTCSessionDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription as RTCSessionDescription);
    while (a.connectionState !== 'connected') {
      if (a.connectionState === 'failed' || performance.now() - started > LOOP_MS) throw new Error(a.connectionState);
      await pause(20);
    }
    const setup = Math.round(performance.now() - started);
    await pause(2500);
    let frames = 0;
    let rtt = 0;
    for (const stat of (await b.getStats()).values()) {
      if (stat.type === 'inbound-rtp') frames += Number(stat.framesDecoded ?? 0);
      if (stat.type === 'candidate-pair' && stat.nominated)
        rtt = Math.round(Number(stat.currentRoundTripTime ?? 0) * 1000);
    }
    return { verdict: frames > 0 ? 'pass' : 'fail', key: 'diag.loopGood', values: { setup, rtt, frames } };
  } finally {
    picture.stop();
    a.close();
    b.close();
  }
}

const run = { camera, microphone, service, relay, loop };

/** One check; a failure is a result, never an exception. */
export async function runCheck(name: CheckName, findings: Findings): Promise<CheckResult> {
  try {
    return await run[name](findings);
  } catch (error) {
    return failed(error);
  }
}
