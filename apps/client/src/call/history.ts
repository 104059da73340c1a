import type { PairQuality } from '@tandem/rtc';

/** One reading, as the plots show it. */
export interface Sample {
  readonly at: number;
  /** kbit/s */
  readonly in: number;
  readonly out: number;
  /** ms */
  readonly rtt: number | undefined;
  /** % */
  readonly loss: number | undefined;
  readonly jitter: number | undefined;
  readonly mos: number | undefined;
  /** s, of the interval before; undefined without a picture. */
  readonly frozen?: number | undefined;
  /** Keyframes asked for in the interval before. */
  readonly plis?: number | undefined;
}

/** A minute at one reading every two seconds. */
const SHOWN = 31;
/** Two hours; a longer call is summed up by its last two. */
const KEPT = 3600;

export function toSample(quality: PairQuality): Sample {
  const sum = (side: PairQuality['in']) =>
    Math.round(((side.audio?.bitrate ?? 0) + (side.video?.bitrate ?? 0) + (side.screen?.bitrate ?? 0)) / 1000);
  const losses = [quality.in.audio?.loss, quality.in.video?.loss].filter((x) => x !== undefined);
  return {
    at: quality.at,
    in: sum(quality.in),
    out: sum(quality.out),
    rtt: quality.rtt,
    loss: losses.length ? Math.max(...losses) * 100 : undefined,
    jitter: quality.in.audio?.jitter,
    mos: quality.mos,
    frozen: quality.in.video.fps || quality.in.video.frozen ? (quality.in.video.frozen ?? 0) : undefined,
    plis: quality.in.video.plis,
  };
}

/** The readings of every pair in this call. */
export class QualityHistory {
  readonly #byPeer = new Map<string, Sample[]>();

  push(peerId: string, quality: PairQuality): void {
    const list = this.#byPeer.get(peerId) ?? [];
    list.push(toSample(quality));
    if (list.length > KEPT) list.shift();
    this.#byPeer.set(peerId, list);
  }
  all(peerId: string): readonly Sample[] {
    return this.#byPeer.get(peerId) ?? [];
  }
  /** Who has left: what is to be said of that leg has been said. */
  forget(peerId: string): void {
    this.#byPeer.delete(peerId);
  }
  /** The last minute. */
  recent(peerId: string): readonly Sample[] {
    return this.all(peerId).slice(-SHOWN);
  }
}

export interface QualitySummary {
  readonly durationMs?: number;
  readonly mos?: number;
  readonly rtt?: number;
  readonly lossPercent?: number;
  readonly pictureMs?: number;
  readonly frozenMs?: number;
  readonly plis?: number;
}

/** Medians, except losses: those come in bursts that a median would hide, so their mean. */
export function summarize(samples: readonly Sample[]): QualitySummary {
  const known = (key: 'mos' | 'rtt' | 'loss') => samples.map((s) => s[key]).filter((v) => v !== undefined);
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const mos = median(known('mos'));
  const rtt = median(known('rtt'));
  const losses = known('loss');
  const first = samples[0];
  const last = samples.at(-1);
  return {
    ...(first && last ? { durationMs: Math.round(last.at - first.at) } : {}),
    ...(mos === undefined ? {} : { mos }),
    ...(rtt === undefined ? {} : { rtt }),
    ...pictures(samples),
    ...(losses.length ? { lossPercent: losses.reduce((a, b) => a + b, 0) / losses.length } : {}),
  };
}

/** How long pictures came, for how long of that they stood still, and how often a keyframe was asked for. */
function pictures(samples: readonly Sample[]): Pick<QualitySummary, 'pictureMs' | 'frozenMs' | 'plis'> {
  let [all, frozen, plis] = [0, 0, 0];
  samples.forEach((sample, i) => {
    const before = samples[i - 1];
    if (!before || sample.frozen === undefined) return;
    all += sample.at - before.at;
    frozen += sample.frozen * 1000;
    plis += sample.plis ?? 0;
  });
  return all > 0 ? { pictureMs: Math.round(all), frozenMs: Math.round(Math.min(frozen, all)), plis } : {};
}
