/** Login sessions in this process, bounded in number and by user. */
import {
  MAX_SESSIONS_PER_USER,
  type RefreshHashes,
  type RotateOutcome,
  type RotateRequest,
  type SessionRecord,
  type StoredSession,
} from './store.ts';

const MAX_SESSIONS = 100_000;
/** How often sessions that have ended are removed, s. */
const SWEEP_SECONDS = 60;
/** How long a repeated rotation with the same idempotency key gets the same successor, s. */
const RETRY_SECONDS = 60;

interface Entry {
  record: SessionRecord;
  refresh: RefreshHashes;
  previous: string;
  retry: string;
  rotatedAt: number;
  lastUsedAt: number;
  until: number;
}

const view = ({ record, lastUsedAt, refresh }: Entry): StoredSession => ({
  record,
  lastUsedAt,
  successorKey: refresh.successorKey,
  family: refresh.family,
});

/** Times are seconds since the epoch. */
export class MemorySessions {
  readonly #entries = new Map<string, Entry>();
  /** Session ids of each user. */
  readonly #idsOf = new Map<string, Set<string>>();
  #sweptAt = 0;

  create(record: SessionRecord, refresh: RefreshHashes, idleSeconds: number, now: number): void {
    const until = Math.min(now + idleSeconds, record.expiresAt);
    this.#sweep(now);
    this.#entries.set(record.id, { record, refresh, previous: '', retry: '', rotatedAt: 0, lastUsedAt: now, until });
    this.#applyQuota(record);
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= MAX_SESSIONS) break;
      this.delete(id);
    }
  }

  get(id: string, now: number): StoredSession | undefined {
    const entry = this.#live(id, now);
    return entry && view(entry);
  }

  list(userId: string, now: number): StoredSession[] {
    return [...(this.#idsOf.get(userId) ?? [])].flatMap((id) => this.#live(id, now) ?? []).map(view);
  }

  rotate(id: string, request: RotateRequest, idleSeconds: number, now: number): RotateOutcome {
    const entry = this.#live(id, now);
    if (!entry || entry.refresh.family !== request.family) return 'unknown';
    const { current, successor } = entry.refresh;
    if (request.presented === current || request.presented === successor) {
      entry.refresh = { ...entry.refresh, current: request.next, successor: request.afterNext };
      entry.previous = request.presented;
      entry.retry = request.retry;
      entry.rotatedAt = now;
      entry.lastUsedAt = now;
      entry.until = Math.min(now + idleSeconds, entry.record.expiresAt);
      return request.presented === current ? 'rotated' : 'restored';
    }
    const again = entry.previous === request.presented && request.retry !== '' && entry.retry === request.retry;
    if (again && now - entry.rotatedAt <= RETRY_SECONDS) return 'retry';
    this.delete(id);
    return 'reused';
  }

  /** @returns whether it existed */
  delete(id: string): boolean {
    const userId = this.#entries.get(id)?.record.userId ?? '';
    const own = this.#idsOf.get(userId);
    own?.delete(id);
    if (own?.size === 0) this.#idsOf.delete(userId);
    return this.#entries.delete(id);
  }

  #live(id: string, now: number): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry && entry.until > now ? entry : undefined;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < SWEEP_SECONDS) return;
    this.#sweptAt = now;
    for (const [id, { until }] of this.#entries) if (until <= now) this.delete(id);
  }

  /** Adds the session to its user's; beyond the quota those that would end first go. */
  #applyQuota({ id, userId }: SessionRecord): void {
    const own = this.#idsOf.get(userId) ?? new Set();
    this.#idsOf.set(userId, own.add(id));
    const end = (other: string) => this.#entries.get(other)?.record.expiresAt ?? 0;
    const others = [...own].filter((other) => other !== id).sort((a, b) => end(a) - end(b) || (a < b ? -1 : 1));
    for (const other of others.slice(0, Math.max(0, own.size - MAX_SESSIONS_PER_USER))) this.delete(other);
  }
}
