/** Where webhooks go, what failed there, and sending it again. */
import { type Api, type CallOptions, pathPart } from './api.ts';
import type { WebhookEndpoint } from './api-types.ts';

/** An endpoint that is added. */
export interface NewWebhookEndpoint {
  /** https, port 443, at a public address. */
  readonly url: string;
  /** Which events. Default: all. */
  readonly types?: readonly string[] | undefined;
  /** Room ids; a trailing `*` matches any rest. Default: the rooms of the API key. */
  readonly rooms?: readonly string[] | undefined;
  /** Yours. */
  readonly description?: string | undefined;
  /** `v1`: a secret that both sides keep signs. `v1a`: only the service can sign, and your side has a public key. Default `v1`. */
  readonly signature?: WebhookEndpoint['signature'] | undefined;
}

/** What changes of an endpoint; what is not named stays. */
export interface WebhookEndpointPatch extends Partial<Omit<NewWebhookEndpoint, 'signature'>> {
  /** What happens while it is disabled is not sent later; see `replay`. */
  readonly state?: 'active' | 'disabled' | undefined;
}

/** A webhook that was given up, or whose last try failed. */
export interface WebhookDelivery {
  readonly roomId?: string;
  /** Absent: older than what is kept. */
  readonly eventId?: string;
  /** Of the last try, in a word. */
  readonly reason: string;
  readonly tries?: number;
  /** When it was given up; RFC 3339. */
  readonly at?: string;
}

/** Which events are sent again. */
export interface ReplayOptions extends CallOptions {
  /** Events from then on; RFC 3339. */
  readonly after: string;
  /** Until then. Default: now. */
  readonly before?: string | undefined;
  /** Default: those of the endpoint. */
  readonly types?: readonly string[] | undefined;
  readonly roomId?: string | undefined;
}

/** Scope `webhooks:write`. */
export class WebhookEndpoints {
  readonly #api: Api;
  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * @returns it, and what `verifyWebhook` needs: the secret that signs its webhooks, which is not shown again, or (`v1a`) the public key
   * @throws TandemError `too_many_endpoints`
   */
  async create(endpoint: NewWebhookEndpoint, options?: CallOptions) {
    return (await this.#send('POST', '', endpoint, options)) as {
      readonly endpoint: WebhookEndpoint;
      readonly secret: string;
    };
  }

  /** Those within the rooms of the API key. */
  async list(options?: CallOptions): Promise<readonly WebhookEndpoint[]> {
    const { endpoints } = (await this.#send('GET', '', undefined, options)) as {
      endpoints: readonly WebhookEndpoint[];
    };
    return endpoints;
  }

  /** @throws TandemError `not_found` */
  async get(id: string, options?: CallOptions): Promise<WebhookEndpoint> {
    return (await this.#send('GET', pathOf(id), undefined, options)) as WebhookEndpoint;
  }

  /** @throws TandemError `not_found` */
  async update(id: string, patch: WebhookEndpointPatch, options?: CallOptions): Promise<WebhookEndpoint> {
    return (await this.#send('PATCH', pathOf(id), patch, options)) as WebhookEndpoint;
  }

  /** @throws TandemError `not_found` */
  async remove(id: string, options?: CallOptions): Promise<void> {
    await this.#send('DELETE', pathOf(id), undefined, options);
  }

  /** Another secret; the present one signs too for 24 h. @returns the new one. @throws TandemError `not_found` */
  async rotateSecret(id: string, options?: CallOptions): Promise<string> {
    return ((await this.#send('POST', pathOf(id, '/rotate-secret'), undefined, options)) as { secret: string }).secret;
  }

  /** Sends `endpoint.test` now. `reason`: why not, in a word. @throws TandemError `not_found` */
  async test(id: string, options?: CallOptions) {
    return (await this.#send('POST', pathOf(id, '/test'), undefined, options)) as {
      readonly delivered: boolean;
      readonly status?: number;
      readonly reason?: string;
    };
  }

  /** @param status `failed`: given up; `waiting`: tried in vain so far. @throws TandemError `not_found` */
  async deliveries(
    id: string,
    status: 'failed' | 'waiting',
    options?: CallOptions,
  ): Promise<readonly WebhookDelivery[]> {
    const call = {
      method: 'GET',
      path: PATH + pathOf(id, '/deliveries'),
      query: { status },
      isRepeatable: true,
    } as const;
    const { body } = await this.#api.call(call, options);
    return (body as { readonly deliveries: readonly WebhookDelivery[] }).deliveries;
  }

  /** Sends events again, behind what waits, with their old ids. @returns how many. @throws TandemError `not_found` */
  async replay(id: string, { signal, ...range }: ReplayOptions): Promise<number> {
    return ((await this.#send('POST', pathOf(id, '/replay'), range, { signal })) as { events: number }).events;
  }

  async #send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body: unknown, options?: CallOptions) {
    // A second endpoint, secret or replay is another one.
    const call = { method, path: PATH + path, body, isRepeatable: method !== 'POST' };
    return (await this.#api.call(call, options)).body;
  }
}

const PATH = '/v1/webhook-endpoints';
const pathOf = (id: string, rest = '') => `/${pathPart('endpointId', id)}${rest}`;
