/** Calls of the server API, with the backend's token. */
import type { BackendToken } from './backend-token.ts';
import { TandemError } from './errors.ts';
import {
  type CancelSignal,
  type HttpAnswer,
  type HttpCall,
  type HttpSettings,
  openStream,
  send,
  unlessAborted,
} from './http.ts';

/** What any call takes beside its own arguments. */
export interface CallOptions {
  /** An `AbortSignal`: the call rejects with the code `aborted`. */
  readonly signal?: CancelSignal | undefined;
}

export interface ApiCall {
  readonly method: HttpCall['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly isRepeatable: HttpCall['isRepeatable'];
}

export class Api {
  readonly #settings: HttpSettings;
  readonly #token: BackendToken;
  constructor(settings: HttpSettings, token: BackendToken) {
    this.#settings = settings;
    this.#token = token;
  }

  /** @throws TandemError */
  async call(call: ApiCall, { signal }: CallOptions = {}): Promise<HttpAnswer> {
    const { method, isRepeatable, body } = call;
    const path = call.path + queryOf(call.query ?? {});
    return this.#withToken({ method, path, signal }, (token) =>
      send(this.#settings, {
        method,
        path,
        headers: { ...defined(call.headers ?? {}), authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        isRepeatable,
        signal,
      }),
    );
  }

  /**
   * Opens a stream, of events unless `accept` says otherwise. `lastId`: behind that one.
   * @throws TandemError also while it is read
   */
  open(
    {
      path,
      query,
      lastId,
      accept = 'text/event-stream',
    }: Pick<ApiCall, 'path' | 'query'> & { readonly lastId?: string | undefined; readonly accept?: string },
    { signal }: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    return this.#withToken({ method: 'GET', path, signal }, (token) =>
      openStream(this.#settings, {
        method: 'GET',
        path: path + queryOf(query ?? {}),
        headers: {
          ...defined({ 'last-event-id': lastId }),
          accept,
          authorization: `Bearer ${token}`,
        },
        isRepeatable: true,
        signal,
      }),
    );
  }

  async #withToken<T>(
    call: Pick<HttpCall, 'method' | 'path' | 'signal'>,
    sendWith: (token: string) => Promise<T>,
  ): Promise<T> {
    const tokenAfter = (refused?: string) => unlessAborted(call, () => this.#token.get(refused));
    const token = await tokenAfter();
    try {
      return await sendWith(token);
    } catch (error) {
      // Its keys were rotated, or this machine slept: once more, with a new one. Nothing was done.
      if (!(error instanceof TandemError) || error.status !== 401) throw error;
      return sendWith(await tokenAfter(token));
    }
  }
}

function defined(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function queryOf(query: NonNullable<ApiCall['query']>): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) fields.set(name, String(value));
  return fields.size === 0 ? '' : `?${fields}`;
}

/**
 * `id` as a part of a path.
 * @throws TandemError when it would lead to another resource: empty, `.` and `..`
 */
export function pathPart(name: string, id: string): string {
  if (typeof id !== 'string' || /^\.{0,2}$/.test(id))
    throw new TandemError(`${name} is not an id`, { status: 0, code: 'invalid_argument', field: `/${name}` });
  return encodeURIComponent(id);
}
