import type { CallLeg, CallReport } from '@tandem/protocol';
import type { RemotePeer } from '@tandem/rtc';
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import { type QualityHistory, type QualitySummary, summarize } from './history.ts';

/** What goes to POST /reports. No name, room, peer or address; the schema (protocol/src/report.ts) has no place for them. */
const CLIENT = process.env.NEXT_PUBLIC_VERSION ?? '0';
const PATHS = ['host', 'srflx', 'prflx', 'relay'] as const;
const MAX_LEGS = 32;

let address: string | undefined;

/** Learn the address early: a page that is going away has no time to fetch it. */
export async function prepareReports(): Promise<void> {
  const config = await loadRuntimeConfig();
  address = apiUrl(config.signalingUrl, '/reports');
}

const round = (value: number): number => Math.round(value * 100) / 100;

function leg(peer: RemotePeer, reason: string, summary: QualitySummary): CallLeg {
  const setup = peer.marks.connected;
  const path = PATHS.find((known) => known === peer.quality?.path?.local);
  const protocol = peer.quality?.path?.relayProtocol;
  const abandoned = reason === 'left' || reason === 'normal';
  return {
    outcome: setup !== undefined ? 'connected' : abandoned ? 'abandoned' : 'failed',
    phase: 'end',
    ...(setup === undefined ? {} : { setupMs: Math.min(300_000, round(setup)) }),
    ...(summary.durationMs === undefined ? {} : { durationMs: summary.durationMs }),
    ...(setup !== undefined && !abandoned && reason !== 'kicked' && reason !== 'roomClosed' ? { dropped: true } : {}),
    ...(setup === undefined && !abandoned
      ? { failure: reason === 'timeout' ? ('peer-gone' as const) : ('other' as const) }
      : {}),
    ...(summary.mos === undefined ? {} : { mos: round(summary.mos) }),
    ...(summary.rtt === undefined ? {} : { rttMs: round(summary.rtt) }),
    ...(summary.lossPercent === undefined ? {} : { lossPercent: round(summary.lossPercent) }),
    ...(path ? { path } : {}),
    ...(protocol === 'udp' || protocol === 'tcp' || protocol === 'tls' ? { relayProtocol: protocol } : {}),
  };
}

/** Gathers the legs of one call as they end. */
export class CallReporter {
  readonly #legs: CallLeg[] = [];
  readonly #history: QualityHistory;
  #roomSize = 1;
  #resumes = { ok: 0, failed: 0 };

  constructor(history: QualityHistory) {
    this.#history = history;
  }
  sawPeople(count: number): void {
    this.#roomSize = Math.max(this.#roomSize, count);
  }
  resumed(ok: boolean): void {
    this.#resumes[ok ? 'ok' : 'failed']++;
  }
  legEnded(peer: RemotePeer, reason: string): void {
    if (this.#legs.length < MAX_LEGS) this.#legs.push(leg(peer, reason, summarize(this.#history.all(peer.peerId))));
  }
  /** Once, when the call is over. Nothing happened: nothing to tell. */
  send(): void {
    if (this.#legs.length === 0) return;
    post({ ...this.base(), legs: this.#legs.splice(0) });
  }
  base(): Omit<CallReport, 'legs'> {
    const { ok, failed } = this.#resumes;
    return {
      version: 1,
      client: CLIENT,
      roomSize: Math.min(1000, this.#roomSize),
      ...(ok + failed ? { resumes: { ok, failed } } : {}),
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
  const base = last?.base() ?? { version: 1 as const, client: CLIENT, roomSize: 1 };
  post({ ...base, legs: [], rating, issues: issues as NonNullable<CallReport['issues']> });
}

/** A beacon outlives the page; nobody waits for it, and a failure concerns nobody. */
function post(report: CallReport): void {
  if (!address) return;
  const body = JSON.stringify(report);
  fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body, keepalive: true }).catch(
    () => {},
  );
}
