/** What a leg is like, from the differences of two getStats reports. Pure: give it reports, it gives figures and words. */
import { mos } from './mos.ts';

/** One direction of one kind over the last interval. */
export interface FlowQuality {
  /** bit/s. */
  readonly bitrate: number;
  /** Share of packets lost, 0 to 1. Undefined while nothing is known. */
  readonly loss?: number;
  /** ms (RFC 3550 interarrival jitter). */
  readonly jitter?: number;
  /** Frames per second. */
  readonly fps?: number;
  readonly width?: number;
  readonly height?: number;
  /** Seconds of frozen picture in this interval. */
  readonly frozen?: number;
  /** Keyframes asked of the sender in this interval (RTCP PLI). */
  readonly plis?: number;
  /** Why the encoder does less than it might. */
  readonly limitedBy?: 'bandwidth' | 'cpu' | 'other';
}

/** The way the packets take. */
export interface PathQuality {
  readonly local: string;
  readonly remote: string;
  readonly protocol: string;
  /** Through TURN on either side. */
  readonly relayed: boolean;
  /** How the relay is reached: udp, tcp or tls. */
  readonly relayProtocol?: string;
  /** Address of the TURN server as configured. */
  readonly relayUrl?: string;
  /** Estimate of the sender, bit/s. */
  readonly availableOutgoing?: number;
}

/** Cause of bad quality, for translation. @public */
export type TroubleCode = 'loss-in' | 'loss-out' | 'delay' | 'jitter' | 'frozen' | 'uplink' | 'cpu' | 'no-media';

/** Why it is bad. `words` are English; translate by `code` and `value`. */
export interface Trouble {
  readonly code: TroubleCode;
  /** The figure behind it: a share for losses, ms, seconds or bit/s. */
  readonly value: number;
  readonly words: string;
}

/** Quality of a pair in one word: MOS of the audio, freezes and loss of the video. @public */
export type Grade = 'good' | 'fair' | 'poor';

/** What the other side hears and sees of me. */
export interface RemoteView {
  readonly mos?: number;
  readonly loss?: number;
  readonly jitter?: number;
  readonly fps?: number;
  readonly bitrate?: number;
}

/** One reading of the quality of one pair, from `getStats`. @public */
export interface PairQuality {
  /** Clock time, ms. */
  readonly at: number;
  /** E-model MOS of the audio that comes in, 1 to 4.41; undefined while no audio comes. */
  readonly mos?: number;
  readonly grade: Grade;
  /** Round trip of the path, ms. */
  readonly rtt?: number;
  readonly in: { readonly audio: FlowQuality; readonly video: FlowQuality; readonly screen: FlowQuality };
  readonly out: { readonly audio: FlowQuality; readonly video: FlowQuality; readonly screen: FlowQuality };
  readonly path?: PathQuality;
  readonly trouble: readonly Trouble[];
  readonly remoteView?: RemoteView;
}

type Stat = Record<string, unknown> & { id: string; type: string };
type Flow = 'audio' | 'video' | 'screen';

const num = (value: unknown): number | undefined => (Number.isFinite(value) ? (value as number) : undefined);
/** 20 ms: one Opus frame, plus as much in the capture and playout of a browser. */
const FIXED_DELAY = 40;

/** Limits above which something counts as trouble. Sources beside each. */
const LIMITS = {
  /** Concealment of speech is audible from about 5 % (G.113: with Bpl 25, MOS falls under 3.6). */
  loss: 0.05,
  /** G.114: above 400 ms one way is unacceptable for talking; 300 ms round trip is where people begin to collide. */
  rtt: 300,
  jitter: 40,
  /** Seconds frozen in an interval of some seconds. */
  frozen: 0.5,
};

/** An object with `key`, or an empty one for undefined: properties that may be missing are never undefined. */
const given = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };

/** Growth of a counter since the report before; 0 without one. Counters that fell were reset. */
type Delta = (stat: Stat, key: string) => number;
/** The same a second. */
type Rate = Delta;

/** Share of packets that were lost. */
function lossOf(stat: Stat, delta: Delta): number | undefined {
  const lost = delta(stat, 'packetsLost');
  const all = delta(stat, 'packetsReceived') + lost;
  return all > 0 ? lost / all : undefined;
}

function incomingFlow(stat: Stat, flow: Flow, delta: Delta, rate: Rate): FlowQuality {
  const jitter = num(stat.jitter);
  return {
    bitrate: Math.round(rate(stat, 'bytesReceived') * 8),
    ...given('loss', lossOf(stat, delta)),
    ...given('jitter', jitter && jitter * 1000),
    ...(flow !== 'audio' && {
      fps: Math.round(rate(stat, 'framesDecoded')),
      frozen: delta(stat, 'totalFreezesDuration'),
      plis: delta(stat, 'pliCount'),
      ...size(stat),
    }),
  };
}

function outgoingFlow(stat: Stat, flow: Flow, loss: number | undefined, rate: Rate): FlowQuality {
  const limited = stat.qualityLimitationReason;
  return {
    bitrate: Math.round(rate(stat, 'bytesSent') * 8),
    ...given('loss', loss),
    ...(flow !== 'audio' && { fps: Math.round(rate(stat, 'framesEncoded')), ...size(stat) }),
    ...((limited === 'bandwidth' || limited === 'cpu' || limited === 'other') && { limitedBy: limited }),
  };
}

/** MOS of incoming audio. @param rtt ms. Undefined while no audio comes */
function scoreOf(stat: Stat, delta: Delta, rtt = 0): number | undefined {
  if (!delta(stat, 'packetsReceived')) return undefined;
  const emitted = delta(stat, 'jitterBufferEmittedCount');
  const samples = delta(stat, 'totalSamplesReceived');
  // Late packets are lost to the ear as well: concealment sees both.
  const concealed = delta(stat, 'concealedSamples') - delta(stat, 'silentConcealedSamples');
  const buffer = emitted > 0 ? (delta(stat, 'jitterBufferDelay') / emitted) * 1000 : 0;
  return mos(
    Math.max(lossOf(stat, delta) ?? 0, samples > 0 ? Math.max(0, concealed) / samples : 0),
    rtt / 2 + buffer + FIXED_DELAY,
  );
}

/** Keeps the last report of one connection. */
export class QualityMeter {
  #last = new Map<string, Stat>();
  #lastAt = 0;

  /**
   * @param slotOf which slot an rtp stat (by `mid` and kind) belongs to; undefined: it is somebody else's
   * @param expects does the peer say that it sends audio/video?
   */
  read(
    report: Iterable<[string, unknown]>,
    at: number,
    slotOf: (mid: string, kind: 'audio' | 'video') => Flow | undefined,
    expects: { audio: boolean; video: boolean },
  ): PairQuality {
    const now = new Map(report as Iterable<[string, Stat]>);
    const last = this.#last;
    const seconds = this.#lastAt ? (at - this.#lastAt) / 1000 : 0;
    this.#last = now;
    this.#lastAt = at;
    const delta: Delta = (stat, key) => {
      const old = last.get(stat.id);
      return old ? Math.max(0, (num(stat[key]) ?? 0) - (num(old[key]) ?? 0)) : 0;
    };
    const rate: Rate = (stat, key) => (seconds > 0 ? delta(stat, key) / seconds : 0);
    const { path, rtt } = readPath(now);
    const none: FlowQuality = { bitrate: 0 };
    const ins = { audio: none, video: none, screen: none };
    const outs = { ...ins };
    const lossSent = new Map<unknown, number | undefined>();
    let score: number | undefined;
    for (const stat of now.values())
      if (stat.type === 'remote-inbound-rtp') lossSent.set(stat.localId, num(stat.fractionLost));
    for (const stat of now.values()) {
      const flow = slotOf(String(stat.mid), stat.kind === 'audio' ? 'audio' : 'video');
      if (!flow) continue;
      if (stat.type === 'inbound-rtp') {
        ins[flow] = incomingFlow(stat, flow, delta, rate);
        if (flow === 'audio') score = scoreOf(stat, delta, rtt) ?? score;
      } else if (stat.type === 'outbound-rtp') outs[flow] = outgoingFlow(stat, flow, lossSent.get(stat.id), rate);
    }
    const trouble = seconds > 0 ? findTrouble(ins, outs, rtt, expects) : [];
    return {
      at,
      ...given('mos', score && Math.round(score * 100) / 100),
      grade: gradeOf(score, trouble),
      ...given('rtt', rtt),
      in: ins,
      out: outs,
      ...given('path', path),
      trouble,
    };
  }
}

/** Good from MOS 4.0, fair from 3.1: "satisfied" and "nearly all dissatisfied" bound the middle in G.107 Annex B. */
export function gradeOf(score: number | undefined, trouble: readonly Trouble[]): Grade {
  if (trouble.some((t) => t.code === 'no-media')) return 'poor';
  if (score !== undefined && score < 3.1) return 'poor';
  if ((score !== undefined && score < 4) || trouble.length) return 'fair';
  return 'good';
}

function size(stat: Stat): { width?: number; height?: number } {
  const width = num(stat.frameWidth);
  const height = num(stat.frameHeight);
  return width && height ? { width, height } : {};
}

function readPath(stats: Map<string, Stat>): { path?: PathQuality; rtt?: number } {
  let pair: Stat | undefined;
  for (const stat of stats.values()) {
    if (stat.type === 'transport' && typeof stat.selectedCandidatePairId === 'string')
      pair = stats.get(stat.selectedCandidatePairId);
    // Firefox has no transport stat with it, but marks the pair.
    else if (!pair && stat.type === 'candidate-pair' && stat.selected === true) pair = stat;
  }
  if (!pair) return {};
  const local = stats.get(String(pair.localCandidateId));
  const remote = stats.get(String(pair.remoteCandidateId));
  const seconds = num(pair.currentRoundTripTime);
  const relayProtocol = local?.relayProtocol;
  const url = local?.url;
  const localType = String(local?.candidateType ?? 'unknown');
  const remoteType = String(remote?.candidateType ?? 'unknown');
  return {
    ...given('rtt', seconds && seconds * 1000),
    path: {
      local: localType,
      remote: remoteType,
      protocol: String(local?.protocol ?? 'unknown'),
      relayed: localType === 'relay' || remoteType === 'relay',
      ...(typeof relayProtocol === 'string' && { relayProtocol }),
      ...(localType === 'relay' && typeof url === 'string' && { relayUrl: url }),
      ...given('availableOutgoing', num(pair.availableOutgoingBitrate)),
    },
  };
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

function findTrouble(
  ins: PairQuality['in'],
  outs: PairQuality['out'],
  rtt: number | undefined,
  expects: { audio: boolean; video: boolean },
): Trouble[] {
  const found: Trouble[] = [];
  const add = (code: TroubleCode, value: number, words: string) => found.push({ code, value, words });
  // Silence is still sent (comfort noise, DTX keep-alive), so nothing at all means that nothing gets through.
  if (expects.audio && ins.audio.bitrate === 0 && (!expects.video || ins.video.bitrate === 0))
    add('no-media', 0, 'Nothing arrives from this person.');
  const lossIn = Math.max(ins.audio.loss ?? 0, ins.video.loss ?? 0);
  if (lossIn > LIMITS.loss) add('loss-in', lossIn, `${percent(lossIn)} of what they send is lost on the way to you.`);
  const lossOut = Math.max(outs.audio.loss ?? 0, outs.video.loss ?? 0);
  if (lossOut > LIMITS.loss)
    add('loss-out', lossOut, `${percent(lossOut)} of what you send is lost on the way to them.`);
  if (rtt !== undefined && rtt > LIMITS.rtt) add('delay', rtt, `Sound takes ${Math.round(rtt / 2)} ms each way.`);
  const jitter = ins.audio.jitter ?? 0;
  if (jitter > LIMITS.jitter) add('jitter', jitter, `Packets arrive unevenly (${Math.round(jitter)} ms).`);
  const frozen = ins.video.frozen ?? 0;
  if (frozen > LIMITS.frozen) add('frozen', frozen, `Their picture stood still for ${frozen.toFixed(1)} s.`);
  const limited = outs.video.limitedBy;
  if (limited === 'bandwidth')
    add('uplink', outs.video.bitrate, 'Your connection is too slow for the full picture; they see you less sharp.');
  if (limited === 'cpu') add('cpu', outs.video.fps ?? 0, 'Your device is too busy for the full picture.');
  return found;
}

/** What I tell the other side of what I hear and see of it. */
export function myView(quality: PairQuality): RemoteView {
  const { loss, jitter } = quality.in.audio;
  const { fps } = quality.in.video;
  return {
    ...given('mos', quality.mos),
    ...given('loss', loss && Math.round(loss * 1000) / 1000),
    ...given('jitter', jitter && Math.round(jitter)),
    ...given('fps', fps),
    bitrate: quality.in.audio.bitrate + quality.in.video.bitrate,
  };
}
