/**
 * Revocations: how auth says "this token, this login session, this user: no more", and how every node hears it.
 *
 * With Redis it is one capped stream, `tandem:{revocations}`: appending is the publication, a blocking read is the news
 * (milliseconds), and reading the stream from its start is the catch-up of a node that starts or was cut off. One key, so
 * it works on a Cluster; no pub/sub, so there is no subscription that can go deaf; a cut-off reader resumes where it was.
 * Without Redis (embedded, one auth process) signaling asks `GET /internal/revocations` of auth, which answers when there is news (long
 * polling), which the edge does not route and which answers loopback callers only.
 *
 * Entries live only as long as a token that they hit can live; afterwards `exp` does the work.
 *
 * For signaling:
 *
 *     const revocations = watchRevocations({ redis }, (revocation) => {
 *       for (const session of sessions) if (revocationApplies(revocation, session.claims)) session.close(CLOSE_CODES.tokenRefused);
 *     });
 *     await revocations.ready;                       // caught up, or Redis is away (then it goes on trying)
 *     …at every upgrade, resume and join:  if (revocations.isRevoked(claims)) refuse with 4001
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import { type HealthProbe, HealthRecord, type HealthState } from './health.ts';
import type { RedisClient } from './redis.ts';
import { type RevocableClaims, Revocation, RevocationSet, revocationEnd } from './revocation-set.ts';
import { hasEntry, REVOCATION_STREAM, streamEntries } from './revocation-stream.ts';

export * from './revocation-set.ts';

/** Path of the feed that replaces the stream where there is no Redis. */
export const REVOCATION_FEED_PATH = '/internal/revocations';
/** How long auth holds a question for which there is no news yet, ms. */
export const REVOCATION_FEED_HOLD_MS = 5000;
/** Entries older than this hit nothing any more: twice the longest access token auth will issue (1 h), ms. */
const RETENTION_MS = 2 * 3_600_000;
/** The same where relay credentials may live longer: as long as auth will issue them (TURN_TTL_SECONDS), ms. */
const RELAY_RETENTION_MS = 25 * 3_600_000;
/** How long after its end an entry still reaches watchers, s: by then what it hits is gone by every clock. */
const REACH_SECONDS = 3600;

/** What the feed answers; `take` checks each entry, so that one that this version cannot read does not hide the others. */
const RevocationFeed = Type.Object({ cursor: Type.String(), revocations: Type.Array(Type.Unknown()) });

/** `at` defaults to now. */
export type NewRevocation = Omit<Revocation, 'at'> & { readonly at?: number };

/** Publish to every node. Resolves when Redis has it; @throws when Redis is away (say so to the caller: it was not revoked). */
export async function publishRevocation(redis: RedisClient, revocation: NewRevocation): Promise<Revocation> {
  const entry = { ...revocation, at: revocation.at ?? Math.floor(Date.now() / 1000) };
  // One without a relay does not say how long the credentials of others live. A TURN node that starts reads the stream, and coturn takes them still.
  const lifeMs = entry.relay ? (entry.relay.until - entry.at) * 1000 + REACH_SECONDS * 1000 : RELAY_RETENTION_MS;
  const oldest = Date.now() - Math.min(RELAY_RETENTION_MS, Math.max(RETENTION_MS, lifeMs));
  await redis.xadd(REVOCATION_STREAM, 'MINID', '~', String(oldest), '*', 'r', JSON.stringify(entry));
  return entry;
}

export interface RevocationWatch extends AsyncDisposable {
  /** Resolves when caught up, or after the first failed try; never rejects. */
  readonly ready: Promise<void>;
  isRevoked(claims: RevocableClaims): boolean;
  readonly set: RevocationSet;
  readonly health: HealthProbe;
}

export type RevocationSource =
  /** The stream. Makes the watcher's own connection, called once: its reads block. The watcher ends it. */
  | { readonly connect: () => RedisClient }
  /** Auth without Redis: base URL of auth, such as `http://127.0.0.1:8081`. */
  | { readonly feedUrl: string };

/**
 * Follow revocations until disposed. While the source is away the known ones stay in force, and it catches up afterwards.
 * @param onRevoked called once for each revocation, also for those found while catching up
 * @param onLost for the one service that writes them; of the stream only
 */
export function watchRevocations(
  source: RevocationSource,
  onRevoked: (revocation: Revocation) => void = () => {},
  onLost?: OnLost,
): RevocationWatch {
  return new RevocationFollower(source, onRevoked, onLost);
}

/**
 * Receives what is known here and no longer in the stream, as a failover loses the last writes. When it fails, the stream is read again
 * and what is still missing then is passed again.
 */
export type OnLost = (lost: readonly Revocation[]) => Promise<void>;

class RevocationFollower implements RevocationWatch {
  readonly set = new RevocationSet();
  readonly #onRevoked: (revocation: Revocation) => void;
  readonly #onLost: OnLost | undefined;
  /** What the stream has, as far as it was read since its start. */
  #inStream = new RevocationSet();
  /** What was known when a read failed, until the stream has it. The set forgets what expires, but its sessions may come back. */
  #known: Revocation[] | undefined;
  readonly #health = new HealthRecord('down', 'not read yet');
  readonly #ready = Promise.withResolvers<void>();
  readonly ready: Promise<void> = this.#ready.promise;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(source: RevocationSource, onRevoked: (revocation: Revocation) => void, onLost: OnLost | undefined) {
    this.#onRevoked = onRevoked;
    this.#onLost = onLost;
    this.#loop = 'connect' in source ? this.#followStream(source.connect()) : this.#followFeed(source.feedUrl);
  }

  readonly health: HealthProbe = () => this.#health.read();

  isRevoked(claims: RevocableClaims): boolean {
    return this.set.isRevoked(claims);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#ready.resolve();
    await this.#loop;
  }

  async #followStream(own: RedisClient): Promise<void> {
    own.on('error', () => {}); // told by the health probe
    this.#stop.signal.addEventListener('abort', () => own.disconnect(), { once: true });
    let last = '0-0';
    let caughtUp = false;
    while (!this.#stop.signal.aborted) {
      try {
        // 1.5 s: below the 3 s command timeout, so a frozen Redis is noticed.
        const answer = (await (caughtUp
          ? own.xread('COUNT', 1000, 'BLOCK', 1500, 'STREAMS', REVOCATION_STREAM, last)
          : own.xread('COUNT', 1000, 'STREAMS', REVOCATION_STREAM, last))) as unknown;
        const entries = streamEntries(answer);
        const before = last;
        for (const [id, fields] of entries) {
          last = id;
          this.#take(fields[1]);
        }
        // A client that connects again by itself reports no failure, also if that is to another server.
        if (caughtUp && this.#onLost && !(await hasEntry(own, before))) throw new Error('the stream lost entries');
        if (entries.length >= 1000) continue;
        if (!caughtUp) await this.#reportLost();
        caughtUp = true;
        this.#become('up');
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#become('down', error instanceof Error ? error.message : String(error));
        // A failover may have lost the newest entries and taken new ones under smaller ids: read the window again.
        last = '0-0';
        caughtUp = false;
        if (this.#onLost) this.#known ??= this.set.values();
        this.#inStream = new RevocationSet();
        await this.#pause(200 + Math.random() * 300);
      }
    }
  }

  async #followFeed(base: string): Promise<void> {
    let cursor = '';
    while (!this.#stop.signal.aborted) {
      let news = false;
      try {
        const { cursor: next, revocations } = await this.#askFeed(base, cursor);
        news = next !== cursor;
        cursor = next;
        for (const entry of revocations) this.#take(JSON.stringify(entry));
        this.#become('up');
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#become('down', error instanceof Error ? error.message : String(error));
      }
      if (!news) await this.#pause(400);
    }
  }

  async #askFeed(base: string, cursor: string): Promise<Static<typeof RevocationFeed>> {
    const url = new URL(REVOCATION_FEED_PATH, base);
    if (cursor) url.searchParams.set('after', cursor);
    const overdue = AbortSignal.timeout(REVOCATION_FEED_HOLD_MS + 3000);
    const response = await fetch(url, { signal: AbortSignal.any([this.#stop.signal, overdue]) });
    if (!response.ok) throw new Error(`the feed answered ${response.status}`);
    const body: unknown = await response.json();
    if (!Check(RevocationFeed, body)) throw new Error('the feed answered something else');
    return body;
  }

  #take(text: string | undefined): void {
    let value: unknown;
    try {
      value = JSON.parse(text ?? '');
    } catch {
      return;
    }
    if (!Check(Revocation, value)) return;
    if (this.#onLost) this.#inStream.add(value);
    // After a failure all of the stream is read again: what is over is no news to anybody.
    if (revocationEnd(value) + REACH_SECONDS < Date.now() / 1000) return;
    if (this.set.add(value)) this.#onRevoked(value);
  }

  async #reportLost(): Promise<void> {
    if (!this.#known) return;
    // Also those that were published here meanwhile.
    const lost = [...this.#known, ...this.set.values()].filter((revocation) => this.#inStream.add(revocation));
    if (lost.length > 0) await this.#onLost?.(lost);
    this.#known = undefined;
  }

  #become(state: HealthState, detail?: string): void {
    this.#health.become(state, detail);
    this.#ready.resolve();
  }

  /** Aborted or over: either way it goes on. (A listener of one's own for each pause would stay on the signal for ever.) */
  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}
