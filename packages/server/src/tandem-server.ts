import { Api } from './api.ts';
import { BackendToken } from './backend-token.ts';
import { TandemError } from './errors.ts';
import { Events } from './events.ts';
import type { HttpSettings } from './http.ts';
import { Messages } from './messages.ts';
import { Peers } from './peers.ts';
import { Recordings } from './recordings.ts';
import { Rooms } from './rooms.ts';
import { Tokens } from './tokens.ts';
import { WebhookEndpoints } from './webhook-endpoints.ts';

/** What a {@link TandemServer} needs. */
export interface TandemServerOptions {
  /** Address of the deployment, e.g. `https://calls.example.org`. */
  readonly url: string;
  /** `npm run auth -- api-key new` makes one. It is sent to `url` and nowhere else. */
  readonly apiKey: string;
  /** How long one try may take, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Most tries after the first one. Default 3. */
  readonly maxRetries?: number | undefined;
  /**
   * Send the key without TLS to a host other than this machine: inside a private network only.
   * @default false
   */
  readonly allowPlainHttp?: boolean | undefined;
}

/**
 * A deployment, from a backend of yours. It fetches and renews its token by itself; one instance serves the whole process.
 *
 * ```ts
 * const tandem = new TandemServer({ url: 'https://calls.example.org', apiKey: process.env.TANDEM_API_KEY ?? '' });
 * const room = await tandem.rooms.create({ maxPeers: 2 });
 * ```
 */
export class TandemServer {
  readonly rooms: Rooms;
  readonly peers: Peers;
  readonly messages: Messages;
  readonly tokens: Tokens;
  readonly recordings: Recordings;
  readonly events: Events;
  readonly webhookEndpoints: WebhookEndpoints;

  /** @throws TandemError `invalid_argument`, naming the option */
  constructor(options: TandemServerOptions) {
    const { timeoutMs = 10_000, maxRetries = 3 } = options;
    const apiKey = (options.apiKey ?? '').trim();
    // Not shown: fetch would quote a wrong header in its error.
    if (!/^[\x21-\x7e]+$/.test(apiKey)) throw invalid('apiKey', 'is empty or has characters that no key has');
    if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) throw invalid('timeoutMs', 'is no time');
    if (!(maxRetries >= 0)) throw invalid('maxRetries', 'is no number of tries');
    const settings: HttpSettings = { url: addressOf(options), timeoutMs, maxRetries };
    const api = new Api(settings, new BackendToken(settings, apiKey));
    this.rooms = new Rooms(api);
    this.peers = new Peers(api);
    this.messages = new Messages(api);
    this.tokens = new Tokens(api);
    this.recordings = new Recordings(api);
    this.events = new Events(api, maxRetries);
    this.webhookEndpoints = new WebhookEndpoints(api);
  }
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function addressOf({ url, allowPlainHttp = false }: TandemServerOptions): string {
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw invalid('url', 'is no address, such as https://calls.example.org');
  }
  const { protocol, hostname, username, password, search, hash } = address;
  if (protocol !== 'https:' && !(protocol === 'http:' && (allowPlainHttp || LOOPBACK.test(hostname))))
    throw invalid('url', 'is not https: the API key could be read on the way (allowPlainHttp for a private network)');
  if (username || password || search || hash) throw invalid('url', 'has more than host, port and path');
  return address.href.replace(/\/+$/, '');
}

const invalid = (option: string, why: string) =>
  new TandemError(`TandemServer: ${option} ${why}`, { status: 0, code: 'invalid_argument', field: `/${option}` });
