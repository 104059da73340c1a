/** The embedded default: everything in this process, bounded, gone at its end. */
import type { Revocation } from '@tandem/service';
import { MemoryRevocations } from './memory-revocations.ts';
import { MemorySessions } from './memory-sessions.ts';
import type { ApiKeyRecord, AuthStore } from './store.ts';

const MAX_ONCE = 100_000;

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
  const sessions = new MemorySessions();
  const revocations = new MemoryRevocations();
  const nonces = new Map<string, number>();
  const seen = new Map<string, number>();
  const apiKeys = new Map<string, ApiKeyRecord>();
  const since = new Date().toISOString();
  return {
    kind: 'memory',
    revocations: revocations.inForce,
    createSession: async (record, refresh, idleSeconds, now) => sessions.create(record, refresh, idleSeconds, now),
    getSession: async (id, now) => sessions.get(id, now),
    rotate: async (id, request, idleSeconds, now) => sessions.rotate(id, request, idleSeconds, now),
    listSessions: async (userId, now) => sessions.list(userId, now),
    deleteSession: async (id) => sessions.delete(id),
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
    getApiKey: async (id) => apiKeys.get(id),
    putApiKey: async (record) => void apiKeys.set(record.id, record),
    listApiKeys: async () => [...apiKeys.values()],
    revoke: async (revocation) => revocations.add(revocation),
    feed: (after) => revocations.after(after),
    nextRevocation: (signal) => revocations.next(signal),
    health: () => ({ state: 'up', since, detail: 'memory: this process only' }),
    async [Symbol.asyncDispose]() {},
  };
}
