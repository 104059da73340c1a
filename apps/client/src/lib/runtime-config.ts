/** Where the services are. Empty means: same origin as the page. Read once from `config.json`, never cached. */
export interface RuntimeConfig {
  signalingUrl: string;
  authUrl: string;
  /** Where people can read on; shown nowhere when empty. */
  supportUrl: string;
  /** `relay` hides addresses from peers and tests TURN; `all` is the default. */
  iceTransportPolicy: RTCIceTransportPolicy;
  /** Share of calls that servers with a collector trace, 0 to 1. */
  traceSampling: number;
  /** Region of the service, for call reports; empty: they name none. */
  region: string;
  /** Share of calls that report, above 0 and up to 1; the service weighs them accordingly. */
  reportSampling: number;
}

export const basePath = process.env.NEXT_PUBLIC_BASE_PATH ?? '';

const defaults: RuntimeConfig = {
  signalingUrl: '',
  authUrl: '',
  supportUrl: '',
  iceTransportPolicy: 'all',
  traceSampling: 0.01,
  region: '',
  reportSampling: 1,
};
let loading: Promise<RuntimeConfig> | undefined;

/** A missing or broken file is not fatal: the defaults serve a same-origin deployment. */
export function loadRuntimeConfig(): Promise<RuntimeConfig> {
  loading ??= read();
  return loading;
}

async function read(): Promise<RuntimeConfig> {
  let given: Partial<RuntimeConfig> = {};
  try {
    const response = await fetch(`${basePath}/config.json`, { cache: 'no-store' });
    if (response.ok) given = (await response.json()) as Partial<RuntimeConfig>;
  } catch {
    loading = undefined;
  }
  const query = new URLSearchParams(location.search);
  return {
    ...defaults,
    ...given,
    ...(query.get('relay') === '1' ? { iceTransportPolicy: 'relay' as const } : {}),
  };
}

/** WebSocket address of the signaling service. */
export function signalingSocketUrl(config: RuntimeConfig, origin = location.origin): string {
  const url = new URL('/ws/signal', config.signalingUrl || origin);
  url.protocol = url.protocol === 'http:' || url.protocol === 'ws:' ? 'ws:' : 'wss:';
  return url.href;
}

/** Address of an HTTP endpoint on the auth service (or, with `signalingUrl` as base, on signaling). */
export function apiUrl(base: string, path: string, origin = location.origin): string {
  const url = new URL(path, base || origin);
  if (url.protocol === 'wss:') url.protocol = 'https:';
  if (url.protocol === 'ws:') url.protocol = 'http:';
  return url.href;
}
