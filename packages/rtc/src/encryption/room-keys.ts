/**
 * Who is in the room with the secret of its link, and what two of them say to each other. Everybody makes a key pair for the call and
 * says its public half in the metadata, signed with a key from the secret: signaling, which does not know the secret, can neither
 * forge nor exchange it. Two people seal messages with a key from both their key pairs: who only knows the secret cannot read them,
 * so somebody who left gets no later key. An announcement can be copied, the private half of its key cannot: who has sealed nothing yet
 * is not trusted.
 */
import { type Bytes, concat, fromBase64Url, random, toBase64Url, utf8 } from './bytes.ts';
import { ReplayWindow } from './replay-window.ts';

/** Bytes of a room's secret: 128 bits, 22 characters of a link. */
export const SECRET_BYTES = 16;
/** Bytes of an uncompressed point on P-256 (SEC 1, section 2.3.3). */
const PUBLIC_KEY_BYTES = 65;
/** Largest sealed message that is opened, bytes: what a frame of signaling or of the data channel carries. */
const MAX_SEALED_BYTES = 256 * 1024;
const NONCE_BYTES = 12;

/** What a person says of itself in the metadata, under `encryption`. */
export interface Announcement {
  readonly v: 2;
  /** Public key, P-256, uncompressed, base64url. */
  readonly key: string;
  /** SHA-256 fingerprint of the DTLS certificate of all its connections, as in a session description (RFC 8122). */
  readonly dtls: string;
  /** HMAC-SHA-256 of the above with a key from the room's secret, base64url. */
  readonly mac: string;
}

/** Somebody whose announcement was made with the room's secret. */
export interface Identity {
  readonly publicKey: Bytes;
  readonly dtls: string;
}

/** A new secret for a room, 22 characters, for the fragment of its link. @public */
export const newSecret = (): string => toBase64Url(random(SECRET_BYTES));

export class RoomKeys {
  readonly #mac: CryptoKey;
  readonly #salt: Bytes;
  readonly #own: CryptoKeyPair;
  readonly publicKey: Bytes;

  private constructor(mac: CryptoKey, salt: Bytes, own: CryptoKeyPair, publicKey: Bytes) {
    this.#mac = mac;
    this.#salt = salt;
    this.#own = own;
    this.publicKey = publicKey;
  }

  /** @throws RangeError when `secret` is not one of {@link newSecret} */
  static async create(secret: string, roomId: string): Promise<RoomKeys> {
    const bytes = fromBase64Url(secret, SECRET_BYTES);
    if (bytes?.length !== SECRET_BYTES) throw new RangeError('secret: 22 characters of base64url, as in the link.');
    const root = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']);
    const derive = (purpose: string) => expand(root, utf8(roomId), `tandem encryption 1 ${purpose}`);
    const mac = await crypto.subtle.importKey('raw', await derive('mac'), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
      'verify',
    ]);
    const own = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', own.publicKey));
    return new RoomKeys(mac, await derive('pair'), own, publicKey);
  }

  async announce(dtls: string): Promise<Announcement> {
    const mac = await crypto.subtle.sign('HMAC', this.#mac, announced(this.publicKey, dtls));
    return { v: 2, key: toBase64Url(this.publicKey), dtls, mac: toBase64Url(new Uint8Array(mac)) };
  }

  /** @returns undefined for what was not made with the room's secret, whatever it is */
  async verify(announcement: unknown): Promise<Identity | undefined> {
    const { v, key, dtls, mac } = (announcement ?? {}) as Partial<Record<keyof Announcement, unknown>>;
    const publicKey = fromBase64Url(key, PUBLIC_KEY_BYTES);
    const signature = fromBase64Url(mac, 32);
    if (v !== 2 || publicKey?.length !== PUBLIC_KEY_BYTES || !signature) return undefined;
    if (typeof dtls !== 'string' || dtls.length > 200) return undefined;
    const holds = await crypto.subtle.verify('HMAC', this.#mac, signature, announced(publicKey, dtls));
    return holds ? { publicKey, dtls } : undefined;
  }

  /** The seal between me and `peer`. @throws when its public key is no point on the curve */
  async sealWith(peer: Identity): Promise<Seal> {
    const point = await crypto.subtle.importKey(
      'raw',
      peer.publicKey,
      { name: 'ECDH', namedCurve: 'P-256' },
      false,
      [],
    );
    const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: point }, this.#own.privateKey, 256);
    const root = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveBits']);
    const both = [toBase64Url(this.publicKey), toBase64Url(peer.publicKey)].sort();
    const bits = await expand(root, this.#salt, `tandem encryption 1 seal ${both.join(' ')}`);
    const key = await crypto.subtle.importKey('raw', bits, 'AES-GCM', false, ['encrypt', 'decrypt']);
    return new Seal(key, this.publicKey, peer.publicKey);
  }
}

/** What is sealed between two people, and under which ids signaling knows them. */
export interface Route {
  readonly from: string;
  readonly to: string;
}

/**
 * What two people say to each other. Each message names its sender, both ids, and its number: sent back to its sender, passed on under
 * another name, or sent twice, it does not open. Messages are sealed and opened one after the other: a short one would be ready before a long
 * one that was given to `crypto.subtle` earlier.
 */
export class Seal {
  readonly #key: CryptoKey;
  readonly #me: Bytes;
  readonly #peer: Bytes;
  readonly #seen = new ReplayWindow();
  #sent = 0;
  #closing: Promise<unknown> = Promise.resolve();
  #opening: Promise<unknown> = Promise.resolve();

  constructor(key: CryptoKey, me: Bytes, peer: Bytes) {
    this.#key = key;
    this.#me = me;
    this.#peer = peer;
  }

  async close(value: unknown, route: Route): Promise<string> {
    const text = utf8(JSON.stringify([this.#sent++, value]));
    const closed = this.#closing.then(() => this.#encrypt(text, route));
    this.#closing = closed.catch(() => {});
    return closed;
  }

  /** @returns undefined for what the peer did not seal for me, or what was opened before */
  open(text: unknown, route: Route): Promise<unknown> {
    const opened = this.#opening.then(() => this.#decrypt(text, route)).catch(() => undefined);
    this.#opening = opened;
    return opened;
  }

  async #encrypt(text: Bytes, route: Route): Promise<string> {
    const iv = random(NONCE_BYTES);
    const additionalData = sealed(this.#me, route);
    const box = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, this.#key, text);
    return toBase64Url(concat(iv, new Uint8Array(box)));
  }

  /** @throws for what the peer did not seal for me */
  async #decrypt(text: unknown, route: Route): Promise<unknown> {
    const bytes = fromBase64Url(text, MAX_SEALED_BYTES);
    if (!bytes) return undefined;
    const algorithm = {
      name: 'AES-GCM',
      iv: bytes.slice(0, NONCE_BYTES),
      additionalData: sealed(this.#peer, route),
    };
    const plain = await crypto.subtle.decrypt(algorithm, this.#key, bytes.slice(NONCE_BYTES));
    const [number, value]: [unknown, unknown] = JSON.parse(new TextDecoder().decode(plain));
    if (!Number.isSafeInteger(number) || (number as number) < 0) return undefined;
    return this.#seen.add(number as number) ? value : undefined;
  }
}

const sealed = (sender: Bytes, { from, to }: Route) => concat(sender, utf8(JSON.stringify([from, to])));

/**
 * Thirty digits that are the same for everybody who sees the same people: to be read to each other, where the link itself may have come
 * into wrong hands on its way.
 */
export async function safetyNumber(publicKeys: readonly Bytes[]): Promise<string> {
  const sorted = publicKeys.map(toBase64Url).sort().join(' ');
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(`tandem encryption 1 people ${sorted}`)));
  // Five bytes give five digits with a bias below 1e-7.
  const groups = Array.from({ length: 6 }, (_, i) => {
    const value = hash.subarray(i * 5, i * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    return String(value % 100_000).padStart(5, '0');
  });
  return groups.join(' ');
}

const announced = (publicKey: Bytes, dtls: string) => concat(publicKey, utf8(dtls));

/** 256 bits by HKDF-SHA-256 (RFC 5869). */
export async function expand(root: CryptoKey, salt: Bytes, info: string): Promise<Bytes> {
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info: utf8(info) }, root, 256),
  );
}
