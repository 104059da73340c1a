/**
 * Encrypted media frames, in the manner of SFrame (RFC 9605): AES-256-GCM, a key a sender, a counter a frame. What a media node must read
 * of a frame stays clear, and is signed: the first bytes of VP8 (RFC 7741 section 4.3: is it a keyframe, and how large) and of Opus
 * (RFC 6716 section 3.1). Behind the frame follow tag and trailer:
 *
 *     | clear bytes | encrypted | tag, 16 | key id, 4 | generation, 1 | counter, 4 | number of clear bytes, 1 |
 */
import { type Bytes, concat, random } from './bytes.ts';
import { expand } from './room-keys.ts';

const TAG_BYTES = 16;
const TRAILER_BYTES = 10;
/** Generations a key has: the generation is one byte. */
export const GENERATIONS = 256;
/** Keys of one sender that are kept: frames of the one before still arrive after a change. */
const KEYS_OF_ONE = 3;

/** A sender's key, as the others get it. */
export interface SenderKey {
  /** 4 random bytes, as an unsigned number. */
  readonly id: number;
  /** Each is derived from the one before: who gets a later one cannot read what was said earlier. */
  readonly generation: number;
  /** 32 bytes. */
  readonly material: Bytes;
}

export function newSenderKey(): SenderKey {
  return { id: new DataView(random(4).buffer).getUint32(0), generation: 0, material: random(32) };
}

/** The next generation of a key. @throws RangeError after the last one */
export async function nextGeneration({ id, generation, material }: SenderKey): Promise<SenderKey> {
  if (generation + 1 >= GENERATIONS) throw new RangeError('The key has had all its generations: make a new one.');
  return { id, generation: generation + 1, material: await derive(material, 'next generation') };
}

interface FrameKey {
  readonly key: CryptoKey;
  readonly salt: Bytes;
}

async function frameKey({ material }: SenderKey): Promise<FrameKey> {
  const bits = await derive(material, 'frame key');
  const key = await crypto.subtle.importKey('raw', bits, 'AES-GCM', false, ['encrypt', 'decrypt']);
  return { key, salt: (await derive(material, 'frame salt')).slice(0, 12) };
}

async function derive(material: Bytes, purpose: string): Promise<Bytes> {
  const root = await crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
  return expand(root, new Uint8Array(0), `tandem encryption 1 ${purpose}`);
}

function nonce(salt: Bytes, counter: number): Bytes {
  const iv = salt.slice();
  const view = new DataView(iv.buffer);
  view.setUint32(8, view.getUint32(8) ^ counter);
  return iv;
}

export class FrameEncryptor {
  readonly #sender: SenderKey;
  readonly #frame: FrameKey;
  #counter = 0;

  private constructor(sender: SenderKey, frame: FrameKey) {
    this.#sender = sender;
    this.#frame = frame;
  }

  /** One for each generation of a key, ever: its counter begins at 0, and a counter used twice would betray both frames. */
  static async create(sender: SenderKey): Promise<FrameEncryptor> {
    return new FrameEncryptor(sender, await frameKey(sender));
  }

  /** @param clear how many bytes at the beginning stay readable. @throws RangeError after 2^32 frames */
  async encrypt(data: Bytes, clear: number): Promise<Bytes> {
    const counter = this.#counter++;
    if (counter > 0xffff_ffff) throw new RangeError('The key was used for 2^32 frames.');
    const head = data.slice(0, clear);
    const trailer = new Uint8Array(TRAILER_BYTES);
    const view = new DataView(trailer.buffer);
    view.setUint32(0, this.#sender.id);
    view.setUint8(4, this.#sender.generation);
    view.setUint32(5, counter);
    view.setUint8(9, head.length);
    const { key, salt } = this.#frame;
    const algorithm = { name: 'AES-GCM', iv: nonce(salt, counter), additionalData: concat(head, trailer) };
    const box = await crypto.subtle.encrypt(algorithm, key, data.slice(head.length));
    return concat(head, new Uint8Array(box), trailer);
  }
}

/** A sender's key with its latest generation that was seen. */
class KnownKey {
  readonly owner: string;
  #latest: SenderKey;
  /** By generation. */
  readonly #frames = new Map<number, FrameKey>();

  constructor(owner: string, key: SenderKey) {
    this.owner = owner;
    this.#latest = key;
  }

  async open(trailer: Trailer, iv: (salt: Bytes) => Bytes, aad: Bytes, box: Bytes): Promise<Bytes | undefined> {
    let sender = this.#latest;
    let frame = this.#frames.get(trailer.generation);
    if (!frame) {
      // Only forward, and kept only once a frame was opened with it: anybody can write a number into a trailer.
      if (trailer.generation < sender.generation) return undefined;
      while (sender.generation < trailer.generation) sender = await nextGeneration(sender);
      frame = await frameKey(sender);
    }
    try {
      const algorithm = { name: 'AES-GCM', iv: iv(frame.salt), additionalData: aad };
      const plain = new Uint8Array(await crypto.subtle.decrypt(algorithm, frame.key, box));
      this.#frames.set(trailer.generation, frame);
      for (const old of this.#frames.keys()) if (old < trailer.generation - 1) this.#frames.delete(old);
      if (sender.generation > this.#latest.generation) this.#latest = sender;
      return plain;
    } catch {
      return undefined;
    }
  }
}

interface Trailer {
  readonly id: number;
  readonly generation: number;
  readonly counter: number;
  readonly clear: number;
}

function readTrailer(data: Bytes): Trailer | undefined {
  if (data.length < TRAILER_BYTES + TAG_BYTES) return undefined;
  const view = new DataView(data.buffer, data.byteOffset + data.length - TRAILER_BYTES, TRAILER_BYTES);
  const clear = view.getUint8(9);
  if (clear > data.length - TRAILER_BYTES - TAG_BYTES) return undefined;
  return { id: view.getUint32(0), generation: view.getUint8(4), counter: view.getUint32(5), clear };
}

export class FrameDecryptor {
  /** By key id. Ids are chosen by their owners: two may have the same one, and neither replaces the other's. */
  readonly #keys = new Map<number, KnownKey[]>();

  add(owner: string, key: SenderKey): void {
    const others = (this.#keys.get(key.id) ?? []).filter((known) => known.owner !== owner);
    this.#keys.set(key.id, [...others, new KnownKey(owner, key)]);
    const ids = [...this.#keys].filter(([, known]) => known.some((k) => k.owner === owner)).map(([id]) => id);
    for (const id of ids.filter((other) => other !== key.id).slice(0, -(KEYS_OF_ONE - 1))) this.#drop(id, owner);
  }

  forget(owner: string): void {
    for (const id of [...this.#keys.keys()]) this.#drop(id, owner);
  }

  /** @returns the frame, or undefined when no key opens it: it must not be shown */
  async decrypt(data: Bytes): Promise<Bytes | undefined> {
    const trailer = readTrailer(data);
    if (!trailer) return undefined;
    const head = data.slice(0, trailer.clear);
    const aad = concat(head, data.slice(-TRAILER_BYTES));
    const box = data.slice(trailer.clear, -TRAILER_BYTES);
    for (const known of this.#keys.get(trailer.id) ?? []) {
      const plain = await known.open(trailer, (salt) => nonce(salt, trailer.counter), aad, box);
      if (plain) return concat(head, plain);
    }
    return undefined;
  }

  #drop(id: number, owner: string): void {
    const rest = (this.#keys.get(id) ?? []).filter((known) => known.owner !== owner);
    if (rest.length > 0) this.#keys.set(id, rest);
    else this.#keys.delete(id);
  }
}

/** Clear bytes of a frame: see the head of this file. @param type of video: `key` or `delta`; of audio there is none */
export function clearBytes(type: string | undefined): number {
  if (type === undefined) return 1;
  return type === 'key' ? 10 : 3;
}
