/** Typed events without a dependency. */

type Handler<P> = (payload: P) => void;

/** A handler that throws must not break the protocol around it: its error surfaces as an uncaught one of its own. */
function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** `E` maps an event name to its payload. */
export class Emitter<E extends object> {
  readonly #handlers = new Map<keyof E, Set<Handler<never>>>();

  /** Call `handler` on every `event`. Returns the way to stop that. */
  on<K extends keyof E>(event: K, handler: Handler<E[K]>): () => void {
    let set = this.#handlers.get(event);
    if (!set) {
      set = new Set();
      this.#handlers.set(event, set);
    }
    set.add(handler as Handler<never>);
    return () => void set.delete(handler as Handler<never>);
  }

  /** The next `event`, as a promise. It never rejects. */
  once<K extends keyof E>(event: K): Promise<E[K]> {
    return new Promise((resolve) => {
      const off = this.on(event, (payload) => {
        off();
        resolve(payload);
      });
    });
  }

  protected emit<K extends keyof E>(event: K, payload: E[K]): void {
    const set = this.#handlers.get(event);
    if (!set) return;
    for (const handler of [...set]) {
      try {
        (handler as Handler<E[K]>)(payload);
      } catch (error) {
        surface(error);
      }
    }
  }
}
