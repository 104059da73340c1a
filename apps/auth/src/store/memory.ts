/** The embedded default: everything in this process, bounded, gone at its end. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type Revocation, RevocationSet } from '@tandem/service';
import {
  type ApiKeyRecord,
  type AuthStore,
  MAX_SESSIONS_PER_USER,
  type RefreshHashes,
  type SessionRecord,
} from './store.ts';

const MAX_SESSIONS = 100_000;
const MAX_ONCE = 100_000;
/** How often sessions that have ended are removed. */
const SWEEP_SECONDS = 60;

interface Entry {
  record: SessionRecord;
  refresh: RefreshHashes;
  previous: string;
  retry: string;
  rotatedAt: number;
  lastUsedAt: number;
  until: number;
}

/** In insertion order, so the oldest leave first. */
function bound<K, V>(map: Map<K, V>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}

export interface MemoryStore extends AuthStore {
  /** Revocations after a cursor of this feed, for `GET /internal/revocations`; all of them for any other. */
  feed(after: string): { cursor: string; revocations: Revocation[] };
  /** Resolves at the next revocation, or when `signal` aborts. */
  nextRevocation(signal: AbortSignal): Promise<void>;
}

export function createMemoryStore(): MemoryStore {
  const sessions = new Map<string, Entry>();
  const nonces = new Map<string, number>();
  const seen = new Map<string, number>();
  const apiKeys = new Map<string, ApiKeyRecord>();
  const revocations = new RevocationSet();
  const log: { n: number; revocation: Revocation }[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  // In the cursor: as many revocations in an earlier life of this process are not the same ones.
  const life = randomUUID();
  let n = 0;
  const since = new Date().toISOString();
  /** Ids of each user's sessions. */
  const places = new Map<string, Set<string>>();
  let sweptAt = 0;
  const forget = (id: string): boolean => {
    const userId = sessions.get(id)?.record.userId ?? '';
    const own = places.get(userId);
    own?.delete(id);
    if (own?.size === 0) places.delete(userId);
    return sessions.delete(id);
  };
  const sweep = (now: number) => {
    if (now - sweptAt < SWEEP_SECONDS) return;
    sweptAt = now;
    for (const [id, { until }] of sessions) if (until <= now) forget(id);
  };
  const takePlace = ({ id, userId }: SessionRecord) => {
    const own = places.get(userId) ?? new Set();
    places.set(userId, own.add(id));
    const end = (other: string) => sessions.get(other)?.record.expiresAt ?? 0;
    const others = [...own].filter((other) => other !== id).sort((a, b) => end(a) - end(b) || (a < b ? -1 : 1));
    for (const other of others.slice(0, Math.max(0, own.size - MAX_SESSIONS_PER_USER))) forget(other);
  };
  const live = (id: string, now: number) => {
    const entry = sessions.get(id);
    return entry && entry.until > now ? entry : undefined;
  };
  const view = (e: Entry) => ({
    record: e.record,
    lastUsedAt: e.lastUsedAt,
    successorKey: e.refresh.successorKey,
    family: e.refresh.family,
  });
  return {
    kind: 'memory',
    revocations,
    async createSession(record, refresh, idleSeconds, now) {
      const until = Math.min(now + idleSeconds, record.expiresAt);
      sweep(now);
      sessions.set(record.id, { record, refresh, previous: '', retry: '', rotatedAt: 0, lastUsedAt: now, until });
      takePlace(record);
      for (const id of sessions.keys()) {
        if (sessions.size <= MAX_SESSIONS) break;
        forget(id);
      }
    },
    async getSession(id, now) {
      const entry = live(id, now);
      return entry && view(entry);
    },
    async rotate(id, request, idleSeconds, now) {
      const entry = live(id, now);
      if (!entry || entry.refresh.family !== request.family) return 'unknown';
      if (entry.refresh.current === request.presented) {
        entry.refresh = { ...entry.refresh, current: request.next };
        entry.previous = request.presented;
        entry.retry = request.retry;
        entry.rotatedAt = now;
        entry.lastUsedAt = now;
        entry.until = Math.min(now + idleSeconds, entry.record.expiresAt);
        return 'rotated';
      }
      const again = entry.previous === request.presented && request.retry !== '' && entry.retry === request.retry;
      if (again && now - entry.rotatedAt <= 60) return 'retry';
      forget(id);
      return 'reused';
    },
    async listSessions(userId, now) {
      return [...(places.get(userId) ?? [])].flatMap((id) => live(id, now) ?? []).map(view);
    },
    async deleteSession(id) {
      return forget(id);
    },
    async putNonce(hash, seconds, now) {
      nonces.set(hash, now + seconds);
      bound(nonces, MAX_ONCE);
    },
    async takeNonce(hash, now) {
      const until = nonces.get(hash);
      nonces.delete(hash);
      return until !== undefined && until > now;
    },
    async first(key, seconds, now) {
      if ((seen.get(key) ?? 0) > now) return false;
      seen.delete(key);
      seen.set(key, now + seconds);
      bound(seen, MAX_ONCE);
      return true;
    },
    async getApiKey(id) {
      return apiKeys.get(id);
    },
    async putApiKey(record) {
      apiKeys.set(record.id, record);
    },
    async listApiKeys() {
      return [...apiKeys.values()];
    },
    async revoke(news) {
      const revocation = { ...news, at: news.at ?? Math.floor(Date.now() / 1000) };
      if (!revocations.add(revocation)) return;
      log.push({ n: ++n, revocation });
      if (log.length > 10_000) log.shift();
      events.emit('revoked');
    },
    feed(after) {
      const [of, seen] = after.split('.');
      const from = (of === life && Number(seen)) || 0;
      return { cursor: `${life}.${n}`, revocations: log.filter((e) => e.n > from).map((e) => e.revocation) };
    },
    nextRevocation: (signal) =>
      once(events, 'revoked', { signal }).then(
        () => {},
        () => {},
      ),
    health: () => ({ state: 'up', since, detail: 'memory: this process only' }),
    async [Symbol.asyncDispose]() {},
  };
}
