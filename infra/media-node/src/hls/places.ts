/** Places of requests that wait, shared by all network addresses. */
import { ProblemError } from '@tandem/service';

export class Places {
  readonly #most: number;
  readonly #held = new Map<string, number>();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * An address has at most as many places as are free: one alone gets half of them, and of those that share the whole with n others a (n + 1)th stays free
   * for who comes next (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998). So no address takes all of them.
   * @throws ProblemError 503
   */
  async hold<T>(address: string, wait: () => T | Promise<T>): Promise<T> {
    const own = this.#held.get(address) ?? 0;
    if (own >= this.#most - this.#taken)
      throw new ProblemError(503, 'busy', 'As many wait at this node as it takes.', { retryAfter: 1 });
    this.#held.set(address, own + 1);
    this.#taken++;
    try {
      return await wait();
    } finally {
      this.#taken--;
      const left = (this.#held.get(address) ?? 1) - 1;
      if (left > 0) this.#held.set(address, left);
      else this.#held.delete(address);
    }
  }
}
