import { type RuntimeConfig, readRuntimeConfig } from '../config.ts';

export const basePath = process.env.NEXT_PUBLIC_BASE_PATH ?? '';

let loading: Promise<RuntimeConfig> | undefined;

/** What does not answer for a moment (a proxy, a host that restarts) is asked again after these times, ms. */
const AGAIN_MS = [500, 1500];

/** A missing or broken file is not fatal: the defaults serve a same-origin deployment. One that was not to be had is asked for by the next caller. */
export function loadRuntimeConfig(): Promise<RuntimeConfig> {
  loading ??= load();
  return loading;
}

async function load(): Promise<RuntimeConfig> {
  let file: unknown = {};
  try {
    file = await ask();
  } catch {
    loading = undefined;
  }
  const config = readRuntimeConfig(file, (line) => console.warn(line));
  return new URLSearchParams(location.search).get('relay') === '1'
    ? { ...config, iceTransportPolicy: 'relay' }
    : config;
}

/** @returns nothing of a file that is missing @throws Error when that is not known */
async function ask(): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(`${basePath}/config.json`, {
        cache: 'no-store',
        signal: AbortSignal.timeout(10_000),
      });
      if (response.status >= 500 || response.status === 429) throw new Error(`config.json answered ${response.status}`);
      return response.ok ? await response.json() : {};
    } catch (error) {
      const delay = AGAIN_MS[tries];
      // Without a network the lobby says so at once.
      if (delay === undefined || navigator.onLine === false) throw error;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

/** WebSocket address of a service. @param base of the service; empty: the page's own origin */
export function socketUrl(base: string, path: string, origin = location.origin): string {
  const url = new URL(path, base || origin);
  url.protocol = url.protocol === 'http:' || url.protocol === 'ws:' ? 'ws:' : 'wss:';
  return url.href;
}

/** WebSocket address of the signaling service. */
export const signalingSocketUrl = ({ signalingUrl }: RuntimeConfig, origin = location.origin): string =>
  socketUrl(signalingUrl, '/ws/signal', origin);

/** Address of an HTTP endpoint on the auth service (or, with `signalingUrl` as base, on signaling). */
export function apiUrl(base: string, path: string, origin = location.origin): string {
  const url = new URL(path, base || origin);
  if (url.protocol === 'wss:') url.protocol = 'https:';
  if (url.protocol === 'ws:') url.protocol = 'http:';
  return url.href;
}
