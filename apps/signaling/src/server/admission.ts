/** Who may come in right now: decided before the upgrade, so that a refused client never holds an open socket. */
import { ipKey, type LoadShedder } from '@tandem/service';
import type { SignalingNode } from '../core/node.ts';
import { Buckets } from './token-bucket.ts';

export interface AdmissionLimits {
  /** Whose token is being checked. */
  readonly handshakes: number;
  readonly connectionsPerIp: number;
  readonly connectionsPerIpPerSecond: number;
  readonly sessionsPerUser: number;
  readonly connectionsPerUserPerSecond: number;
}

export interface Denial {
  readonly status: 401 | 403 | 429 | 503;
  readonly reason: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

export class Admission {
  /** Upgrades whose token is being checked. They count as connections: all of them may become one. */
  handshakes = 0;
  readonly #node: SignalingNode;
  readonly #limits: AdmissionLimits;
  readonly #shedder: LoadShedder;
  readonly #open = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #rates: Buckets;
  readonly #userRates: Buckets;
  constructor(node: SignalingNode, shedder: LoadShedder, limits: AdmissionLimits) {
    this.#node = node;
    this.#shedder = shedder;
    this.#limits = limits;
    this.#rates = new Buckets(limits.connectionsPerIpPerSecond);
    this.#userRates = new Buckets(limits.connectionsPerUserPerSecond);
  }

  /** Before the token is looked at: nothing here costs more than a map lookup. */
  beforeToken(address: string): Denial | undefined {
    if (this.#node.draining) return { status: 503, reason: 'draining', retryAfter: 1 };
    const verdict = this.#shedder.admit();
    if (!verdict.admit) return { status: 503, reason: verdict.reason, retryAfter: verdict.retryAfter };
    // A burst that is admitted whole queues for the verification of its tokens, and none of the queue is served in time.
    if (this.handshakes >= this.#limits.handshakes)
      return { status: 503, reason: 'handshakes', retryAfter: 1 + Math.floor(this.#node.clock.random() * 5) };
    const key = ipKey(address);
    const crowd = this.#crowd(key);
    if (crowd) return crowd;
    const now = this.#node.clock.now();
    return denialAfter(this.#rates.of(key, now).take(now));
  }

  /** @returns a denial, or what to call once when the socket is gone */
  enter(address: string, userId: string): Denial | (() => void) {
    // Draining may have begun while the token was checked.
    if (this.#node.draining) return { status: 503, reason: 'draining', retryAfter: 1 };
    const now = this.#node.clock.now();
    const late = denialAfter(this.#userRates.of(userId, now).take(now));
    if (late) return late;
    if ((this.#users.get(userId) ?? 0) >= this.#limits.sessionsPerUser)
      return { status: 429, reason: 'sessions-per-user', retryAfter: 5 };
    const key = ipKey(address);
    const crowd = this.#crowd(key);
    if (crowd) return crowd;
    add(this.#open, key, 1);
    add(this.#users, userId, 1);
    return () => {
      add(this.#open, key, -1);
      add(this.#users, userId, -1);
    };
  }

  #crowd(key: string): Denial | undefined {
    if ((this.#open.get(key) ?? 0) < this.#limits.connectionsPerIp) return undefined;
    return { status: 429, reason: 'connections-per-address', retryAfter: 5 };
  }
}

function denialAfter(waitMs: number): Denial | undefined {
  if (waitMs === 0) return undefined;
  return { status: 429, reason: 'connection-rate', retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) };
}

function add(map: Map<string, number>, key: string, by: number): void {
  const next = (map.get(key) ?? 0) + by;
  if (next > 0) map.set(key, next);
  else map.delete(key);
}
