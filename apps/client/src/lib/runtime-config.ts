/** Where the services are. Empty means: same origin as the page. Read once from `config.json`, never cached. */
export interface RuntimeConfig {
  signalingUrl: string;
  authUrl: string;
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
  iceTransportPolicy: 'all',
  traceSampling: 0.01,
  region: '',
  reportSampling: 1,
};
let loading: Promise<RuntimeConfig> | undefined;

const share = (value: unknown, least: number): number | undefined => {
  // Deployments that know text alone (the construct WebClient) write numbers as text.
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= least && number <= 1 ? number : undefined;
};
const address = (value: unknown): string | undefined =>
  value === '' || (typeof value === 'string' && /^(https?|wss?):\/\//.test(value) && URL.canParse(value))
    ? value
    : undefined;

/** What each field may be; anything else is undefined. */
const readers: { readonly [K in keyof RuntimeConfig]: (value: unknown) => RuntimeConfig[K] | undefined } = {
  signalingUrl: address,
  authUrl: address,
  iceTransportPolicy: (value) => (value === 'all' || value === 'relay' ? value : undefined),
  traceSampling: (value) => share(value, 0),
  region: (value) => (typeof value === 'string' && /^[a-z0-9-]{0,32}$/.test(value) ? value : undefined),
  reportSampling: (value) => share(value, Number.MIN_VALUE),
};

/**
 * The file as the page takes it: a field that is missing or cannot be used has its default, and the latter is told.
 * @param tell gets one line for each field that cannot be used
 */
export function readRuntimeConfig(file: unknown, tell: (line: string) => void): RuntimeConfig {
  const config: Record<string, unknown> = { ...defaults };
  if (typeof file !== 'object' || file === null || Array.isArray(file)) tell('config.json: it is no JSON object');
  else
    for (const [name, read] of Object.entries(readers)) {
      const given = Object.hasOwn(file, name) ? (file as Record<string, unknown>)[name] : undefined;
      if (given === undefined) continue;
      const value = read(given);
      if (value !== undefined) config[name] = value;
      else tell(`config.json: ${name} cannot be used; the page takes ${JSON.stringify(config[name])}`);
    }
  return config as unknown as RuntimeConfig;
}

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
