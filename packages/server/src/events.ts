/** What happened in rooms: pages of the log, and a stream that goes on by itself. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Api, CallOptions } from './api.ts';
import { TandemError } from './errors.ts';
import { readEventStream } from './event-stream.ts';
import type { WebhookEvent } from './webhook.ts';

/** Which events. */
export interface EventsOptions extends CallOptions {
  /** From then on: an RFC 3339 time. Default: `list` from the oldest that is kept, `stream` from now. */
  readonly after?: string | undefined;
  /** Only those of that room. */
  readonly roomId?: string | undefined;
  /** Only these. Default: all but `peer.updated`. */
  readonly types?: readonly string[] | undefined;
}

/** Delay before a stream is opened again, ms, times a random factor of 0.5 to 1.5. */
const REOPEN_MS = 1000;

/** Scope `events:read`. */
export class Events {
  readonly #api: Api;
  readonly #maxRetries: number;
  /** @internal */
  constructor(api: Api, maxRetries: number) {
    this.#api = api;
    this.#maxRetries = maxRetries;
  }

  /** Events of the log in their order, page by page, up to those of a second ago. */
  async *list({ after, roomId, types, signal }: EventsOptions = {}): AsyncGenerator<WebhookEvent, void, undefined> {
    for (let cursor = after, isMore = true; isMore; ) {
      const query = { after: cursor, roomId, types: types?.join(','), limit: 500 };
      const { body } = await this.#api.call(
        { method: 'GET', path: '/v1/events', query, isRepeatable: true },
        { signal },
      );
      const page = body as { events: readonly WebhookEvent[]; nextCursor: string; more: boolean };
      yield* page.events;
      [cursor, isMore] = [page.nextCursor, page.more];
    }
  }

  /**
   * Events as they come, in the order of each room; one may come again, with its `id`. It goes on where it was after the connection broke or the token ended.
   * @throws TandemError refused, or not opened `maxRetries` times in a row; `aborted` by `signal`
   */
  async *stream({ after, roomId, types, signal }: EventsOptions = {}): AsyncGenerator<WebhookEvent, void, undefined> {
    let lastId: string | undefined;
    for (let failures = 0; ; ) {
      let ms = REOPEN_MS * (0.5 + Math.random());
      try {
        failures++;
        const query = { after, roomId, types: types?.join(',') };
        const body = await this.#api.open({ path: '/v1/events', query, lastId }, { signal });
        // However it ends: with the token it does so without an error.
        failures = 0;
        for await (const { id, data } of readEventStream(body)) {
          lastId = id ?? lastId;
          if (data !== undefined) yield JSON.parse(data) as WebhookEvent;
        }
      } catch (error) {
        if (!(error instanceof TandemError)) throw error;
        const isRefused = error.status >= 400 && error.status < 500 && error.status !== 429;
        if (isRefused || error.code === 'aborted' || failures > this.#maxRetries) throw error;
        // No more than an hour, whatever is said.
        ms += Math.min(error.retryAfter ?? 0, 3600) * 1000;
      }
      await wait(ms, undefined, signal ? { signal: signal as AbortSignal } : {}).catch(() => {});
    }
  }
}
