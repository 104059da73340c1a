/** Webhook endpoints: who gets which events. One hash in Redis, read anew each second by each task. */
import { randomUUID } from 'node:crypto';
import { mayEnter } from '@tandem/protocol';
import type { RedisClient } from '@tandem/service';
import { newSecret, publicKeyOf, receiverKeyOf, type SignatureScheme } from './delivery/signature.ts';
import { type EventType, OPT_IN_TYPE, type RoomEvent } from './events/room-fold.ts';
import { keys } from './keys.ts';
import { runScript } from './scripts.ts';
import type { SecretBox } from './secret-box.ts';

export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** Which events; empty: all but {@link OPT_IN_TYPE}. */
  readonly types: readonly EventType[];
  /** Room ids; a trailing `*` matches any rest. Within those of the API key that wrote it. */
  readonly rooms: readonly string[];
  /** `gone`: it answered 410. */
  readonly state: 'active' | 'disabled' | 'gone';
  /** ISO 8601. */
  readonly createdAt: string;
  /** Absent: `v1`, as endpoints were before there was another. */
  readonly signature?: SignatureScheme;
  /**
   * Encrypted; of `v1a` it is the private key, and `publicKey` its other half. The first is the present one; another signs too until `until`, ms since the
   * epoch.
   */
  readonly secrets: readonly { readonly box: string; readonly until?: number; readonly publicKey?: string }[];
}

/** How long the secret before a rotation signs too, ms. */
const ROTATION_MS = 24 * 3_600_000;
/** Secrets before the present one that sign at most: each is a signature in every webhook, and receivers look at 16. */
const MAX_BEFORE = 4;
const MAX_AGE_MS = 1000;
/** Of a change against others that come at once. */
const MAX_TRIES = 100;
/** Most endpoints of a deployment: each gets a look at each partition. */
export const MAX_ENDPOINTS = 100;

export class Endpoints {
  readonly #redis: RedisClient;
  readonly #box: SecretBox;
  #read: { readonly at: number; readonly all: Promise<readonly Endpoint[]> } | undefined;
  constructor(redis: RedisClient, box: SecretBox) {
    this.#redis = redis;
    this.#box = box;
  }

  /** All of them, at most a second old. */
  async all(): Promise<readonly Endpoint[]> {
    const now = performance.now();
    if (!this.#read || now - this.#read.at > MAX_AGE_MS) {
      const all = this.#redis.hvals(keys.endpoints).then((texts) => texts.map((text) => JSON.parse(text) as Endpoint));
      this.#read = { at: now, all };
      all.catch(() => {
        this.#read = undefined;
      });
    }
    return this.#read.all;
  }

  async get(id: string): Promise<Endpoint | undefined> {
    const text = await this.#redis.hget(keys.endpoints, id);
    return text ? (JSON.parse(text) as Endpoint) : undefined;
  }

  /**
   * @returns it, and what its receiver keeps: the shared secret, which is never shown again, or the public key.
   * Undefined: there are {@link MAX_ENDPOINTS}
   */
  async create(of: Pick<Endpoint, 'url' | 'description' | 'types' | 'rooms' | 'signature'>) {
    if ((await this.#redis.hlen(keys.endpoints)) >= MAX_ENDPOINTS) return undefined;
    const id = `ep_${randomUUID().replaceAll('-', '')}`;
    const secret = newSecret(of.signature);
    const secrets = [this.#keep(secret, id)];
    const endpoint: Endpoint = { id, ...of, state: 'active', createdAt: new Date().toISOString(), secrets };
    await this.#redis.hset(keys.endpoints, id, JSON.stringify(endpoint));
    this.#read = undefined;
    return { endpoint, secret: receiverKeyOf(secret) };
  }

  /**
   * Changes one; `to` is called again with what others made of it meanwhile.
   * @returns it as it is now. Undefined: it was removed
   */
  async change(id: string, to: (present: Endpoint) => Endpoint): Promise<Endpoint | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const text = await this.#redis.hget(keys.endpoints, id);
      if (!text) {
        this.#read = undefined;
        return undefined;
      }
      const changed = to(JSON.parse(text) as Endpoint);
      const isDone = await runScript(this.#redis, 'swap', [keys.endpoints], [id, text, JSON.stringify(changed)]);
      if (isDone !== 1) continue;
      this.#read = undefined;
      return changed;
    }
    throw new Error(`endpoint ${id}: ${MAX_TRIES} changes of it came in between`);
  }

  async remove(id: string): Promise<void> {
    await this.#redis.hdel(keys.endpoints, id);
    this.#read = undefined;
  }

  /**
   * Another secret from now on; the present one signs too for a day, and so do those before for what is left of theirs: of a rotation whose
   * answer was lost, the receiver knows nothing.
   * @returns what its receiver keeps. Undefined: it was removed
   */
  async rotate(id: string): Promise<string | undefined> {
    let secret = '';
    const changed = await this.change(id, (endpoint) => {
      const until = Date.now() + ROTATION_MS;
      const before = secretsNow(endpoint.secrets)
        .map((one) => ({ ...one, until: one.until ?? until }))
        .slice(0, MAX_BEFORE);
      secret = newSecret(endpoint.signature);
      return { ...endpoint, secrets: [this.#keep(secret, id), ...before] };
    });
    return changed && receiverKeyOf(secret);
  }

  #keep(secret: string, id: string): Endpoint['secrets'][number] {
    const publicKey = publicKeyOf(secret);
    if (publicKey === undefined) return { box: this.#box.close(secret, id) };
    return { box: this.#box.close(secret, ofPair(id)), publicKey };
  }

  /** @throws Error when WEBHOOK_KEY is another than the one it was written with */
  secretsOf({ id, secrets }: Endpoint): string[] {
    return secretsNow(secrets).map(({ box }) => this.#open(box, id));
  }

  /** Of either kind: a task that knows no pairs leaves the public key out when it rotates. */
  #open(box: string, id: string): string {
    try {
      return this.#box.open(box, id);
    } catch {
      return this.#box.open(box, ofPair(id));
    }
  }
}

/**
 * What the box of a private key belongs to. Not the endpoint alone: a task of before pairs, during an update, would take it for a shared secret and
 * sign in a way that no receiver takes. So it cannot read it, sends nothing, and a task of now makes the next try.
 */
const ofPair = (id: string) => `${id} pair`;

const secretsNow = (secrets: Endpoint['secrets']) => secrets.filter(({ until = Infinity }) => until > Date.now());

/** The public keys that an endpoint's webhooks are signed for now. */
export const publicKeysOf = ({ secrets }: Endpoint): string[] =>
  secretsNow(secrets).flatMap(({ publicKey }) => publicKey ?? []);

/** May it get events of that room? Those of no room are for all. */
export const isOfRooms = ({ rooms }: Pick<Endpoint, 'rooms'>, room: string): boolean =>
  room === '' || mayEnter({ rooms: [...rooms] }, room);

/** Does the endpoint want it? What fell out of the outbox is for all. */
export function wants(
  endpoint: Pick<Endpoint, 'types' | 'rooms'>,
  { type, room }: Pick<RoomEvent, 'type' | 'room'>,
): boolean {
  const { types } = endpoint;
  if (type === 'events.dropped') return true;
  if (types.length === 0 ? type === OPT_IN_TYPE : !types.some((one) => one === type)) return false;
  return isOfRooms(endpoint, room);
}

/** Are all rooms of `patterns` among those of `allowed`? */
export function covers(allowed: readonly string[], patterns: readonly string[]): boolean {
  return patterns.every((pattern) => {
    const isPrefix = pattern.endsWith('*');
    return allowed.some((one) =>
      one.endsWith('*')
        ? (isPrefix ? pattern.slice(0, -1) : pattern).startsWith(one.slice(0, -1))
        : !isPrefix && one === pattern,
    );
  });
}
