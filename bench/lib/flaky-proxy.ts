/** A TCP proxy for one link: it delays, cuts, half-closes and freezes what passes through it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export class FlakyProxy implements AsyncDisposable {
  /** Where connections go; without one they are refused. */
  target: number | undefined;
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  readonly #server = createServer({ allowHalfOpen: true }, (near) => this.#accept(near));
  #delayMs = 0;
  #frozen = false;
  #waiting: (() => void)[] = [];

  static async listen(target?: number): Promise<FlakyProxy> {
    const proxy = new FlakyProxy();
    proxy.target = target;
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Everything takes `ms` longer, in each direction. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Nothing passes, and nobody is told: connections stay, new ones are accepted. */
  freeze(): void {
    this.#frozen = true;
  }

  /** Resets every connection; new ones pass. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Ends the direction towards the target of every connection; the other one stays open. */
  halfClose(): void {
    for (const { far } of this.#pairs) far.end();
  }

  /** Passes everything again, in order, what was held back as well. */
  heal(): void {
    this.#frozen = false;
    this.#delayMs = 0;
    for (const pass of this.#waiting.splice(0)) pass();
  }

  #accept(near: Socket): void {
    if (this.target === undefined) {
      near.destroy();
      return;
    }
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      let order = Promise.resolve();
      const later = (act: () => void) => {
        order = order.then(() => this.#held()).then(act, act);
      };
      from.on('data', (data) => later(() => void (to.writable && to.write(data))));
      from.on('end', () => later(() => void to.end()));
      from.on('error', () => {});
      from.on('close', () => {
        this.#pairs.delete(pair);
        // As a broken path: the other side learns of it only when it is not frozen.
        later(() => void to.destroy());
      });
    }
  }

  async #held(): Promise<void> {
    if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
    while (this.#frozen) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }
}
