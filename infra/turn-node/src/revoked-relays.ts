/**
 * A revoked user's relay ends here too: coturn checks credentials when an allocation is made and never again, so a standing one
 * would go on for as long as its client refreshes it.
 */
import { connectAgain, type RedisClient, type RelayRevocation, watchRevocations } from '@tandem/service';
import type { Coturn } from './coturn.ts';

/** Seconds that a revocation is kept after its credentials expired, for allocations that could not be ended yet. */
const KEEP = 3600;

/** Which users and sessions are revoked, and which of their credentials. */
export class RevokedRelays {
  readonly #until = new Map<string, number>();
  #sweepAt = 0;

  add({ user, session, until }: RelayRevocation, nowSeconds = Math.floor(Date.now() / 1000)): void {
    // Not at each: a node that starts hears of all of some hours.
    if (nowSeconds >= this.#sweepAt) {
      this.#sweepAt = nowSeconds + 60;
      for (const [name, last] of this.#until) if (last + KEEP < nowSeconds) this.#until.delete(name);
    }
    const name = session === undefined ? user : `${user}:${session}`;
    this.#until.set(name, Math.max(until, this.#until.get(name) ?? 0));
  }

  /** Was this `<user>:<expiry>:<session>` issued before its user or session was revoked? That of a later login is not hit. */
  hits(username: string): boolean {
    const [user = '', expiry, session] = username.split(':');
    return Number(expiry) <= Math.max(this.#until.get(user) ?? -1, this.#until.get(`${user}:${session}`) ?? -1);
  }
}

export interface RelayCutter extends AsyncDisposable {
  /** End what is revoked and still open. @throws Error when coturn's interface is away; the next call tries again */
  cut(): Promise<void>;
}

/**
 * Follows the stream of revocations and ends the allocations that they hit: at once, and at each new one made with revoked
 * credentials that have not expired.
 * @param attempt runs a piece of work and logs its failure
 */
export function cutRevokedRelays(
  coturn: Coturn,
  redis: RedisClient,
  say: (event: string, more: Record<string, unknown>) => void,
  attempt: (what: string, work: () => Promise<void>) => Promise<void>,
): RelayCutter {
  const revoked = new RevokedRelays();
  let last = Promise.resolve();
  let waiting: NodeJS.Immediate | undefined;
  const cut = () => {
    // One after the other, so that no allocation is counted twice.
    const mine = last.then(async () => {
      const ids = coturn.allocations.find((username) => revoked.hits(username));
      if (ids.length === 0) return;
      await coturn.cancel(ids);
      say('turn.revoked', { allocations: ids.length });
    });
    last = mine.catch(() => {});
    return mine;
  };
  const watch = watchRevocations({ connect: () => connectAgain(redis) }, ({ relay }) => {
    if (!relay) return;
    revoked.add(relay);
    // All that came together end together: each cut looks at every allocation.
    waiting ??= setImmediate(() => {
      waiting = undefined;
      void attempt('revocation', cut);
    });
  });
  coturn.allocations.onNew = (username) => {
    if (revoked.hits(username)) void attempt('revocation', cut);
  };
  return { cut, [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose]() };
}
