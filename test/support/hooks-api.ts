/** The API of the hooks service, as a backend calls it. */
import { apiAudience } from '@tandem/protocol';
import type { TestKeys } from '../../apps/signaling/src/testing.ts';

/** Signs the token of a backend. Default: for all of the API, in all rooms. */
export const backendToken = (keys: TestKeys, scope = 'events:read webhooks:write', rooms = ['*']): Promise<string> =>
  keys.token('key-1', undefined, { aud: apiAudience('tandem'), scope, rooms } as object);

export interface HooksAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly body: any;
}

/** @param path behind `/v1` */
export async function askHooks(
  url: string,
  path: string,
  { token, method, body }: { readonly token: string; readonly method?: string; readonly body?: object },
): Promise<HooksAnswer> {
  const response = await fetch(`${url}/v1${path}`, {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}
