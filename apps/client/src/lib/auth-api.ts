import type { RuntimeConfig } from '../config.ts';
import { apiUrl } from './runtime-config.ts';

/** A failed request, with what a person needs to know. */
export class ApiError extends Error {
  readonly status: number;
  /** Seconds until a retry makes sense, when the server said so. */
  readonly retryAfter: number | undefined;
  constructor(message: string, status: number, retryAfter?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function json<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, { ...init, cache: 'no-store', signal: AbortSignal.timeout(10_000) });
  if (!response.ok) {
    const retry = Number(response.headers.get('retry-after'));
    throw new ApiError(`${new URL(url).pathname} answered ${response.status}`, response.status, retry || undefined);
  }
  return (await response.json()) as T;
}

export interface TokenAnswer {
  token: string;
  /** Seconds that the token lives, when the service says so. */
  expires_in?: number;
  /** For one refresh. Absent while the service cannot give one, and of a token that the page around gave. */
  refresh_token?: string;
}

/** Of who logs in as a guest. */
export interface GuestBody {
  readonly userId: string;
  readonly name?: string;
  /** Less than guests get. */
  readonly grants?: { readonly rooms: readonly string[]; readonly publish: boolean };
}

let givenTokens: (() => Promise<TokenAnswer>) | undefined;

/** From now on tokens come from `give`, not from the service: the page around this one signs people in. */
export function takeTokensFrom(give: () => Promise<TokenAnswer>): void {
  givenTokens = give;
}

/** Sign in as a guest. @param traceparent of a sampled call */
export function requestToken(config: RuntimeConfig, guest: GuestBody, traceparent?: string): Promise<TokenAnswer> {
  if (givenTokens) return givenTokens();
  return post(config, '/auth/token', guest, traceparent ? { traceparent } : {});
}

/** @param idempotencyKey random, the same when the request is repeated because its answer was lost */
export const requestRefresh = (
  config: RuntimeConfig,
  refreshToken: string,
  idempotencyKey: string,
): Promise<TokenAnswer> =>
  post(config, '/auth/refresh', { refresh_token: refreshToken }, { 'idempotency-key': idempotencyKey });

const post = <T>({ authUrl }: RuntimeConfig, path: string, body: object, headers: Record<string, string>): Promise<T> =>
  json(apiUrl(authUrl, path), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

export interface IceServersAnswer {
  iceServers: RTCIceServer[];
  /** Seconds that the credentials live. */
  ttl?: number;
}

/** STUN and TURN servers with credentials for the bearer. */
export function requestIceServers(
  config: RuntimeConfig,
  token: string,
  traceparent?: string,
): Promise<IceServersAnswer> {
  return json(apiUrl(config.authUrl, '/auth/ice-servers'), {
    headers: { authorization: `Bearer ${token}`, ...(traceparent ? { traceparent } : {}) },
  });
}
