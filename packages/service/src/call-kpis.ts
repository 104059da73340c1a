/** Turns call reports into metrics (names and meaning: kpi.ts). Labels stay few: a stranger must not be able to mint series. */
import { type CallLeg, type CallReport, FAILURE_REASONS, RATING_ISSUES } from '@tandem/protocol';
import type { Metrics } from './metrics.ts';

/** Upper bounds, s. P50 of a good set-up is below 0.5 s; 5 s is where people hang up (E.721 aims below 8 s end to end). */
export const SETUP_BUCKETS = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 30] as const;
/**
 * MOS bounds: those of ITU-T G.107 Annex B table B.1. From 4.34 users are very satisfied, from 4.03 satisfied, below 3.6 many
 * and below 2.58 nearly all dissatisfied; 4.5 is the most that the E-model gives.
 */
export const MOS_BUCKETS = [1.5, 2, 2.58, 3.1, 3.6, 4.03, 4.34, 4.5] as const;
const PICTURE_BUCKETS = [0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 30];
const RTT_BUCKETS = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1, 2];
const LOSS_BUCKETS = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];

/** Outcomes and paths of a leg, as packages/protocol/src/report.ts lists them. */
const LEG_OUTCOMES = [
  'connected',
  'failed',
  'abandoned',
] as const satisfies readonly CallReport['legs'][number]['outcome'][];
const TOPOLOGIES = ['mesh', 'sfu'] as const;
const RELAY_PROTOCOLS = ['udp', 'tcp', 'tls'] as const satisfies readonly CallLeg['relayProtocol'][];
const CALL_PATHS = ['host', 'srflx', 'prflx', 'relay'] as const satisfies readonly CallReport['legs'][number]['path'][];

/** How many distinct client versions and regions get a label of their own; the rest are `other`. */
const MAX_LABEL_VALUES = 20;
/**
 * How many groups of callers get series of their own, 32 each: all combinations of the labels would be 3,528 groups, and a scrape of them holds up
 * the process for a second. Those of one region are 8 a version of the client.
 */
const MAX_GROUPS = 128;

/** Room sizes as KPIs group them. */
export function roomSizeBand(size: number): string {
  return size <= 2 ? '2' : size <= 4 ? '3-4' : size <= 6 ? '5-6' : '7+';
}

export class CallKpis {
  readonly #legs;
  readonly #setup;
  readonly #failures;
  readonly #ended;
  readonly #mos;
  readonly #rtt;
  readonly #loss;
  readonly #paths;
  readonly #picture;
  readonly #pictureTime;
  readonly #keyframes;
  readonly #switches;
  readonly #resumes;
  readonly #restarts;
  readonly #ratings;
  readonly #issues;
  /** Groups of callers whose counters exist. */
  readonly #groups = new Set<string>();
  readonly #clients = new Set<string>();
  readonly #regions = new Set<string>();

  constructor(metrics: Metrics) {
    const by = ['room_size', 'region', 'client', 'topology'] as const;
    this.#legs = metrics.counter('tandem_call_legs_total', 'Call legs attempted, by outcome.', ['outcome', ...by]);
    this.#setup = metrics.histogram('tandem_call_setup_seconds', 'Intent to media.', SETUP_BUCKETS, by);
    this.#failures = metrics.counter('tandem_call_failures_total', 'Why legs did not come up, refusals included.', [
      'reason',
    ]);
    this.#ended = metrics.counter('tandem_call_ended_total', 'Connected legs that ended.', ['dropped', ...by]);
    this.#mos = metrics.histogram('tandem_call_mos', 'Estimated MOS of received audio, per report.', MOS_BUCKETS, by);
    this.#rtt = metrics.histogram('tandem_call_rtt_seconds', 'Round trip of the selected pair.', RTT_BUCKETS);
    this.#loss = metrics.histogram('tandem_call_loss_ratio', 'Received packets lost.', LOSS_BUCKETS);
    this.#paths = metrics.counter('tandem_call_path_total', 'Connected legs by path of the media.', [
      'path',
      'protocol',
    ]);
    const topology = ['topology'] as const;
    this.#picture = metrics.histogram(
      'tandem_call_picture_seconds',
      'Arrival to first picture.',
      PICTURE_BUCKETS,
      topology,
    );
    this.#pictureTime = metrics.counter(
      'tandem_call_picture_time_seconds_total',
      'Time with pictures, by what they did.',
      ['picture', ...topology],
    );
    this.#keyframes = metrics.counter(
      'tandem_call_keyframe_requests_total',
      'Keyframes that receivers of pictures asked for.',
      topology,
    );
    this.#switches = metrics.counter('tandem_call_switches_total', 'Media nodes that clients were given.', ['outcome']);
    this.#resumes = metrics.counter('tandem_session_resumes_total', 'Resumes as clients saw them.', ['outcome']);
    this.#ratings = metrics.counter('tandem_call_ratings_total', 'How people found their call, 1 to 5.', ['rating']);
    this.#issues = metrics.counter('tandem_call_rating_issues_total', 'What they say was wrong.', ['issue']);
    this.#restarts = metrics.counter('tandem_call_ice_restarts_total', 'ICE restarts.');
    this.#startAtZero();
  }

  /** Growth is counted from the first value that a scraper sees: a counter that begins at 1 hides its first event. */
  #startAtZero(): void {
    for (const reason of FAILURE_REASONS) this.#failures.inc({ reason }, 0);
    for (const outcome of ['ok', 'failed']) {
      this.#resumes.inc({ outcome }, 0);
      this.#switches.inc({ outcome }, 0);
    }
    for (const topology of TOPOLOGIES)
      for (const picture of ['moving', 'frozen']) this.#pictureTime.inc({ picture, topology }, 0);
    for (const path of CALL_PATHS) this.#paths.inc({ path, protocol: 'none' }, 0);
    for (const protocol of RELAY_PROTOCOLS) this.#paths.inc({ path: 'relay', protocol }, 0);
    for (const rating of [1, 2, 3, 4, 5]) this.#ratings.inc({ rating: String(rating) }, 0);
    for (const issue of RATING_ISSUES) this.#issues.inc({ issue }, 0);
    for (const topology of TOPOLOGIES) {
      this.#picture.zero({ topology });
      this.#keyframes.inc({ topology }, 0);
    }
    this.#startGroup({ room_size: '2', region: 'unknown', client: 'unknown', topology: 'mesh' });
  }

  /**
   * The same for one group of callers, which is known only when the first of them reports.
   * @returns the group that counts: one of all other regions and clients, when there are too many
   */
  #startGroup(wanted: Group): Group {
    const known = (group: Group) => this.#groups.has(Object.values(group).join());
    if (known(wanted)) return wanted;
    const isRoomy = this.#groups.size < MAX_GROUPS;
    const by = isRoomy ? wanted : { ...wanted, region: 'other', client: 'other' };
    if (known(by)) return by;
    this.#groups.add(Object.values(by).join());
    for (const outcome of LEG_OUTCOMES) this.#legs.inc({ outcome, ...by }, 0);
    for (const dropped of ['true', 'false']) this.#ended.inc({ dropped, ...by }, 0);
    this.#setup.zero({ ...by });
    this.#mos.zero({ ...by });
    return by;
  }

  /** Count one checked report. A report sampled at 1 in n counts n times in the counters, once in the distributions. */
  add(report: CallReport): void {
    // A stranger chooses `sampling`, so its weight is bounded.
    const weight = Math.min(100, 1 / (report.sampling ?? 1));
    const caller = {
      room_size: roomSizeBand(report.roomSize),
      region: bounded(this.#regions, report.region ?? 'unknown'),
      client: bounded(this.#clients, report.client),
    };
    for (const leg of report.legs) {
      const by = this.#startGroup({ ...caller, topology: leg.topology ?? 'mesh' });
      if (leg.mos !== undefined) this.#mos.observe(by, leg.mos);
      if (leg.rttMs !== undefined) this.#rtt.observe(leg.rttMs / 1000);
      if (leg.lossPercent !== undefined) this.#loss.observe(leg.lossPercent / 100);
      if (leg.phase === 'interim') continue;
      this.#legs.inc({ outcome: leg.outcome, ...by }, weight);
      if (leg.failure || leg.outcome === 'failed') this.#failures.inc({ reason: leg.failure ?? 'other' }, weight);
      if (leg.iceRestarts) this.#restarts.inc(leg.iceRestarts * weight);
      if (leg.outcome !== 'connected') continue;
      if (leg.setupMs !== undefined) this.#setup.observe(by, leg.setupMs / 1000);
      this.#ended.inc({ dropped: String(leg.dropped ?? false), ...by }, weight);
      this.#addPicture(leg, weight);
      if (leg.path) this.#paths.inc({ path: leg.path, protocol: leg.relayProtocol ?? 'none' }, weight);
    }
    if (report.rating !== undefined) this.#ratings.inc({ rating: String(report.rating) }, weight);
    for (const issue of new Set(report.issues)) this.#issues.inc({ issue }, weight);
    // A rating comes after the report of its call and repeats its figures.
    if (report.legs.length === 0) return;
    if (report.resumes?.ok) this.#resumes.inc({ outcome: 'ok' }, report.resumes.ok * weight);
    if (report.resumes?.failed) this.#resumes.inc({ outcome: 'failed' }, report.resumes.failed * weight);
    if (report.switches?.ok) this.#switches.inc({ outcome: 'ok' }, report.switches.ok * weight);
    if (report.switches?.failed) this.#switches.inc({ outcome: 'failed' }, report.switches.failed * weight);
  }

  #addPicture(leg: CallLeg, weight: number): void {
    const { topology = 'mesh', firstPictureMs, pictureMs, frozenMs = 0, keyframeRequests = 0 } = leg;
    if (firstPictureMs !== undefined) this.#picture.observe({ topology }, firstPictureMs / 1000);
    if (pictureMs === undefined) return;
    this.#keyframes.inc({ topology }, keyframeRequests * weight);
    const frozen = Math.min(frozenMs, pictureMs);
    this.#pictureTime.inc({ picture: 'frozen', topology }, (frozen / 1000) * weight);
    this.#pictureTime.inc({ picture: 'moving', topology }, ((pictureMs - frozen) / 1000) * weight);
  }
}

/** Labels of a group of callers. */
interface Group extends Record<string, string> {
  readonly room_size: string;
  readonly region: string;
  readonly client: string;
  readonly topology: string;
}

function bounded(seen: Set<string>, value: string): string {
  if (seen.has(value)) return value;
  if (seen.size >= MAX_LABEL_VALUES) return 'other';
  seen.add(value);
  return value;
}
