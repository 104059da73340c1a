/** Revocations of one process, in force and as a feed for the processes that follow it. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type NewRevocation, type Revocation, RevocationSet } from '@tandem/service';

const MAX_FEED = 10_000;

export class MemoryRevocations {
  readonly inForce = new RevocationSet();
  readonly #log: { n: number; revocation: Revocation }[] = [];
  readonly #events = new EventEmitter().setMaxListeners(0);
  // In the cursor: as many revocations in an earlier life of this process are not the same ones.
  readonly #life = randomUUID();
  #count = 0;

  add(news: NewRevocation): void {
    const revocation = { ...news, at: news.at ?? Math.floor(Date.now() / 1000) };
    if (!this.inForce.add(revocation)) return;
    this.#log.push({ n: ++this.#count, revocation });
    if (this.#log.length > MAX_FEED) this.#log.shift();
    this.#events.emit('revoked');
  }

  /** Those after a cursor of this feed; all of them for any other. */
  after(cursor: string): { cursor: string; revocations: Revocation[] } {
    const [life, count] = cursor.split('.');
    const from = (life === this.#life && Number(count)) || 0;
    return {
      cursor: `${this.#life}.${this.#count}`,
      revocations: this.#log.filter((entry) => entry.n > from).map((entry) => entry.revocation),
    };
  }

  /** Resolves at the next one, or when `signal` aborts. */
  next(signal: AbortSignal): Promise<void> {
    return once(this.#events, 'revoked', { signal }).then(
      () => {},
      () => {},
    );
  }
}
