import { type RuntimeConfig, readRuntimeConfig } from '../config.ts';

export const basePath = process.env.NEXT_PUBLIC_BASE_PATH ?? '';

let loading: Promise<RuntimeConfig> | undefined;

/** A missing or broken file is not fatal: the defaults serve a same-origin deployment. */
export function loadRuntimeConfig(): Promise<RuntimeConfig> {
  loading ??= load();
  return loading;
}

async function load(): Promise<RuntimeConfig> {
  let file: unknown = {};
  try {
    const response = await fetch(`${basePath}/config.json`, { cache: 'no-store' });
    if (response.ok) file = await response.json();
  } catch {
    loading = undefined;
  }
  const config = readRuntimeConfig(file, (line) => console.warn(line));
  return new URLSearchParams(location.search).get('relay') === '1'
    ? { ...config, iceTransportPolicy: 'relay' }
    : config;
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
