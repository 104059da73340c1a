import type { CallLeg, CallReport, FailureReason } from '@tandem/protocol';
import type { RemotePeer } from '@tandem/rtc';
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import { endKind } from './end-kind.ts';
import { type QualityHistory, type QualitySummary, summarize } from './history.ts';

/** What goes to POST /reports. No name, room, peer or address; the schema (protocol/src/report.ts) has no place for them. */
const CLIENT = process.env.NEXT_PUBLIC_VERSION ?? '0';
const PATHS = ['host', 'srflx', 'prflx', 'relay'] as const;
const MAX_LEGS = 32;
/** A leg that is not up by then has failed, no matter who hangs up; before that a person gave it up. */
const GIVEN_UP_AFTER_MS = 15_000;
/** How often a running call tells its quality. */
export const INTERIM_MS = 300_000;

let address: string | undefined;
let region = '';
let sampling = 1;

/** Learn the address early: a page that is going away has no time to fetch it. */
export async function prepareReports(): Promise<void> {
  const config = await loadRuntimeConfig();
  address = apiUrl(config.signalingUrl, '/reports');
  ({ region, reportSampling: sampling } = config);
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** Ends that a person wanted: no drop, no failure. */
const WANTED = ['left', 'normal', 'kicked', 'roomClosed'];

function quality(peer: RemotePeer, summary: QualitySummary): Omit<CallLeg, 'outcome' | 'phase'> {
  const path = PATHS.find((known) => known === peer.quality?.path?.local);
  const protocol = peer.quality?.path?.relayProtocol;
  return {
    topology: peer.topology,
    ...(summary.durationMs === undefined ? {} : { durationMs: summary.durationMs }),
    ...(summary.mos === undefined ? {} : { mos: round(summary.mos) }),
    ...(summary.rtt === undefined ? {} : { rttMs: round(summary.rtt) }),
    ...(summary.lossPercent === undefined ? {} : { lossPercent: round(summary.lossPercent) }),
    ...(path ? { path } : {}),
    ...(protocol === 'udp' || protocol === 'tcp' || protocol === 'tls' ? { relayProtocol: protocol } : {}),
  };
}

/** Why a leg never came up. */
function failureOf(peer: RemotePeer, reason: string): FailureReason {
  if (reason === 'timeout') return 'peer-gone';
  // Descriptions went both ways, so signaling did its part.
  if ('answer-received' in peer.timings || 'answer-sent' in peer.timings) return 'ice-failed';
  return WANTED.includes(reason) ? 'timeout' : 'signaling-unreachable';
}

/** Why no other person was met. Undefined: nothing to report. A full room and a missing grant are right; a refused token may be our fault. */
function refusalOf(code: string | undefined): Pick<CallLeg, 'outcome' | 'failure'> | undefined {
  // Somebody stopped waiting for a place.
  if (code === 'room_full') return { outcome: 'abandoned', failure: 'room-full' };
  switch (endKind(code)) {
    case 'left':
      return undefined;
    case 'refused':
      return { outcome: code === 'forbidden' ? 'abandoned' : 'failed', failure: 'token-refused' };
    // The room is as its owner wants it.
    case 'locked':
    case 'declined':
    case 'over':
    case 'unknown':
    // A link that was cut, a browser that cannot.
    case 'link':
    case 'encryption':
      return { outcome: 'abandoned', failure: 'other' };
    case 'unreachable':
    case 'lost':
      return { outcome: 'failed', failure: 'signaling-unreachable' };
    case 'kicked':
    case 'replaced':
    case 'duplicate':
    case 'crowded':
    case 'closed':
    case 'failed':
      return { outcome: 'failed', failure: 'other' };
  }
}

/** Gathers the legs of one call as they end, and tells of those that go on. */
export class CallReporter {
  readonly #legs: CallLeg[] = [];
  readonly #running = new Map<string, { readonly began: number; restarts: number; told: number }>();
  readonly #history: QualityHistory;
  /** One of those that report. */
  readonly #sampled = Math.random() < sampling;
  #roomSize = 1;
  #resumes = { ok: 0, failed: 0 };
  /** Epochs of media nodes, by what became of them here. */
  readonly #switches = { ok: new Set<string>(), failed: new Set<string>() };

  constructor(history: QualityHistory) {
    this.#history = history;
  }
  sawPeople(count: number): void {
    this.#roomSize = Math.max(this.#roomSize, count);
  }
  resumed(ok: boolean): void {
    this.#resumes[ok ? 'ok' : 'failed']++;
  }
  /** @param step `timing` of the call as a whole: `sfu-up:<epoch>` or `sfu-failed:<epoch>` counts */
  switched(step: string): void {
    const [, how, epoch] = /^sfu-(up|failed):(\d+)$/.exec(step) ?? [];
    if (epoch) this.#switches[how === 'up' ? 'ok' : 'failed'].add(epoch);
  }
  legBegan(peerId: string): void {
    this.#running.set(peerId, { began: Date.now(), restarts: 0, told: 0 });
  }
  restarted(peerId: string): void {
    const leg = this.#running.get(peerId);
    if (leg) leg.restarts++;
  }
  /** @param reason of `peer-removed` */
  legEnded(peer: RemotePeer, reason: string): void {
    const { began, restarts } = this.#running.get(peer.peerId) ?? { began: Date.now(), restarts: 0 };
    this.#running.delete(peer.peerId);
    if (this.#legs.length >= MAX_LEGS) return;
    const setup = peer.timings.connected;
    const wanted = WANTED.includes(reason);
    const abandoned = wanted && Date.now() - began < GIVEN_UP_AFTER_MS;
    const all = summarize(this.#history.all(peer.peerId));
    const pictures = [peer.timings['first-frame'], peer.timings['sfu-video']].filter((at) => at !== undefined);
    this.#legs.push({
      outcome: setup !== undefined ? 'connected' : abandoned ? 'abandoned' : 'failed',
      phase: 'end',
      ...(setup !== undefined ? { setupMs: Math.min(300_000, round(setup)), dropped: !wanted } : {}),
      ...(setup === undefined && !abandoned ? { failure: failureOf(peer, reason) } : {}),
      ...(restarts ? { iceRestarts: Math.min(1000, restarts) } : {}),
      ...quality(peer, all),
      ...(pictures.length ? { firstPictureMs: Math.min(300_000, round(Math.min(...pictures))) } : {}),
      ...pictureOf(all),
    });
  }
  /** The call was over before anybody was met. @param code as for `endKind` */
  refused(code: string | undefined): void {
    const refusal = refusalOf(code);
    if (refusal) this.#legs.push({ ...refusal, phase: 'end' });
  }
  /** Quality since the last time, of the legs that are up. */
  interim(peers: readonly RemotePeer[]): void {
    const legs = peers.slice(0, MAX_LEGS).flatMap((peer): CallLeg[] => {
      const leg = this.#running.get(peer.peerId);
      const samples = this.#history.all(peer.peerId).filter((s) => s.at > (leg?.told ?? 0));
      const last = samples.at(-1);
      if (!leg || !last || peer.timings.connected === undefined) return [];
      leg.told = last.at;
      return [{ outcome: 'connected', phase: 'interim', ...quality(peer, summarize(samples)) }];
    });
    const { resumes: _resumes, switches: _switches, ...base } = this.base();
    if (legs.length > 0) this.tell({ ...base, legs });
  }
  /** Once, when the call is over. Nothing happened: nothing to tell. */
  send(): void {
    if (this.#legs.length === 0) return;
    this.tell({ ...this.base(), legs: this.#legs.splice(0) });
  }
  tell(report: CallReport): void {
    if (this.#sampled) post(report);
  }
  base(): Omit<CallReport, 'legs'> {
    const { ok, failed } = this.#resumes;
    const switches = { ok: this.#switches.ok.size, failed: this.#switches.failed.size };
    return {
      version: 1,
      client: CLIENT,
      ...(region ? { region } : {}),
      ...(sampling < 1 ? { sampling } : {}),
      roomSize: Math.min(1000, this.#roomSize),
      ...(ok + failed ? { resumes: { ok, failed } } : {}),
      ...(switches.ok + switches.failed ? { switches } : {}),
    };
  }
}

let last: CallReporter | undefined;
export function reportCall(history: QualityHistory): CallReporter {
  last = new CallReporter(history);
  return last;
}

/** What people say of the call, for the dashboards. */
export function sendRating(rating: number, issues: readonly string[]): void {
  last?.tell({ ...last.base(), legs: [], rating, issues: issues as NonNullable<CallReport['issues']> });
}

/**
 * A beacon outlives the page; its answer and its failure are ignored. As plain text and unread it needs no
 * permission of a service on another origin.
 */
function post(report: CallReport): void {
  if (!address) return;
  fetch(address, { method: 'POST', mode: 'no-cors', body: JSON.stringify(report), keepalive: true }).catch(() => {});
}

function pictureOf({ pictureMs, frozenMs = 0, plis = 0 }: QualitySummary): Partial<CallLeg> {
  return pictureMs === undefined ? {} : { pictureMs, frozenMs, keyframeRequests: Math.min(1_000_000, plis) };
}
