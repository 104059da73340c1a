/**
 * Every setting of the page, as `config.json` gives them. Imports nothing: the construct WebClient checks what it is given by the same readers, at
 * synth.
 */

/** Where the services are. Empty means: same origin as the page. Read once from `config.json`, never cached. */
export interface RuntimeConfig {
  signalingUrl: string;
  authUrl: string;
  /** `relay` hides addresses from peers and tests TURN; `all` is the default. */
  iceTransportPolicy: 'all' | 'relay';
  /** Share of calls that servers with a collector trace, 0 to 1. */
  traceSampling: number;
  /** Region of the service, for call reports; empty: they name none. */
  region: string;
  /** Share of calls that report, above 0 and up to 1; the service weighs them accordingly. */
  reportSampling: number;
  /** Name, logo, colours and links of the deployment; read by look.ts, as the two below. */
  branding: Readonly<Record<string, unknown>> | undefined;
  /** Languages on offer. */
  languages: readonly unknown[] | undefined;
  /** Parts of the page that are there or not. */
  features: Readonly<Record<string, unknown>> | undefined;
  /** Origins whose pages may show this page in a frame and control it; what serves the pages tells browsers the same. */
  embedOrigins: readonly string[];
  /** Languages that the captions service recognizes, such as `en` and `pt-BR`; none: there is no such service. */
  captionLanguages: readonly string[];
  /** Where the captions service is. Empty: same origin as the page. */
  captionsUrl: string;
}

const defaults: RuntimeConfig = {
  signalingUrl: '',
  authUrl: '',
  iceTransportPolicy: 'all',
  traceSampling: 0.01,
  region: '',
  reportSampling: 1,
  branding: undefined,
  languages: undefined,
  features: undefined,
  embedOrigins: [],
  captionLanguages: [],
  captionsUrl: '',
};

const share = (value: unknown, least: number): number | undefined => {
  // The construct WebClient wrote numbers as text once, and such files are still there.
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= least && number <= 1 ? number : undefined;
};
const address = (value: unknown): string | undefined =>
  value === '' || (typeof value === 'string' && /^(https?|wss?):\/\//.test(value) && URL.canParse(value))
    ? value
    : undefined;

/** As a browser writes it: lower case, no path, no default port. Plain http from this machine only: elsewhere there is no camera. */
const isOrigin = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^(https:\/\/[\w.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d+)?$/.test(value) &&
  URL.canParse(value) &&
  new URL(value).origin === value;

/** BCP 47, as the captions service names its recognizers. */
const isLanguage = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$/.test(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What each field may be; anything else is undefined. */
const readers: { readonly [K in keyof RuntimeConfig]: (value: unknown) => RuntimeConfig[K] | undefined } = {
  signalingUrl: address,
  authUrl: address,
  iceTransportPolicy: (value) => (value === 'all' || value === 'relay' ? value : undefined),
  traceSampling: (value) => share(value, 0),
  // As a report of a call may name it.
  region: (value) => (typeof value === 'string' && /^[a-z0-9-]{0,24}$/.test(value) ? value : undefined),
  reportSampling: (value) => share(value, Number.MIN_VALUE),
  branding: (value) => (isObject(value) ? value : undefined),
  languages: (value) => (Array.isArray(value) ? value : undefined),
  features: (value) => (isObject(value) ? value : undefined),
  // The bound keeps the header that names them all short.
  embedOrigins: (value) => (Array.isArray(value) && value.length <= 20 && value.every(isOrigin) ? value : undefined),
  captionLanguages: (value) =>
    Array.isArray(value) && value.length <= 32 && value.every(isLanguage) ? value : undefined,
  captionsUrl: address,
};

/** Names of the settings. */
export const PAGE_SETTINGS: readonly string[] = Object.keys(readers);

/**
 * The file as the page takes it: a field that is missing or cannot be used has its default; the latter is reported.
 * @param tell gets one line for each field that cannot be used
 */
export function readRuntimeConfig(file: unknown, tell: (line: string) => void): RuntimeConfig {
  const config: Record<string, unknown> = { ...defaults };
  if (!isObject(file)) tell('config.json: it is no JSON object');
  else
    for (const [name, read] of Object.entries(readers)) {
      const given = Object.hasOwn(file, name) ? file[name] : undefined;
      if (given === undefined) continue;
      const value = read(given);
      if (value !== undefined) config[name] = value;
      else tell(`config.json: ${name} cannot be used; the page takes ${JSON.stringify(config[name])}`);
    }
  return config as unknown as RuntimeConfig;
}
