/**
 * Encrypted media frames, in the manner of SFrame (RFC 9605): AES-256-GCM, a key a sender, a counter a frame. What a media node must read
 * of a frame stays clear, and is signed: the first bytes of VP8 (RFC 7741 section 4.3: is it a keyframe, and how large) and of Opus
 * (RFC 6716 section 3.1). Behind the frame follow tag and trailer:
 *
 *     | clear bytes | encrypted | tag, 16 | key id, 4 | generation, 1 | counter, 4 | number of clear bytes, 1 |
 */
import { type Bytes, concat, random } from './bytes.ts';
import { ReplayWindow } from './replay-window.ts';
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

interface OpeningKey extends FrameKey {
  readonly seen: ReplayWindow;
}

/** A sender's key, and the generations after it as frames of them come. */
class KnownKey {
  /** Oldest first: the one before the latest that opened a frame, to the last that was derived. */
  readonly #generations: SenderKey[];
  readonly #opening = new Map<number, Promise<OpeningKey>>();

  constructor(key: SenderKey) {
    this.#generations = [key];
  }

  async open(trailer: Trailer, aad: Bytes, box: Bytes): Promise<Bytes | undefined> {
    const { generation, counter } = trailer;
    // Only forward, and the older ones go only once a frame was opened: anybody can write a number into a trailer.
    if (generation < (this.#generations[0]?.generation ?? 0)) return undefined;
    let opening = this.#opening.get(generation);
    if (!opening) {
      opening = this.#derive(generation);
      this.#opening.set(generation, opening);
    }
    const { key, salt, seen } = await opening;
    if (seen.has(counter)) return undefined;
    try {
      const algorithm = { name: 'AES-GCM', iv: nonce(salt, counter), additionalData: aad };
      const plain = new Uint8Array(await crypto.subtle.decrypt(algorithm, key, box));
      // Asked again: the same frame may have come twice meanwhile.
      if (!seen.add(counter)) return undefined;
      this.#forgetBefore(generation - 1);
      return plain;
    } catch {
      return undefined;
    }
  }

  /** Each generation is derived once, whatever trailers say. */
  async #derive(generation: number): Promise<OpeningKey> {
    const known = this.#generations.find((sender) => sender.generation === generation);
    let sender = known ?? (this.#generations.at(-1) as SenderKey);
    while (sender.generation < generation) {
      sender = await nextGeneration(sender);
      // Two may derive at a time.
      if (sender.generation > (this.#generations.at(-1)?.generation ?? 0)) this.#generations.push(sender);
    }
    return { ...(await frameKey(sender)), seen: new ReplayWindow() };
  }

  #forgetBefore(generation: number): void {
    while (this.#generations.length > 1 && (this.#generations[0]?.generation ?? 0) < generation) {
      this.#opening.delete(this.#generations.shift()?.generation ?? 0);
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
  /** By owner, then by key id, oldest first. */
  readonly #keys = new Map<string, Map<number, KnownKey>>();

  add(owner: string, key: SenderKey): void {
    const keys = this.#keys.get(owner) ?? new Map<number, KnownKey>();
    this.#keys.set(owner, keys);
    // What one has already is not begun anew: frames that were seen would be taken again.
    if (keys.has(key.id)) return;
    keys.set(key.id, new KnownKey(key));
    for (const id of [...keys.keys()].slice(0, -KEYS_OF_ONE)) keys.delete(id);
  }

  forget(owner: string): void {
    this.#keys.delete(owner);
  }

  /**
   * @param owner whose frame it has to be: a media node or signaling may have put another's in its place
   * @returns the frame, or undefined when no key of the owner opens it, or it was opened before: it must not be shown
   */
  async decrypt(owner: string, data: Bytes): Promise<Bytes | undefined> {
    const trailer = readTrailer(data);
    const known = trailer && this.#keys.get(owner)?.get(trailer.id);
    if (!trailer || !known) return undefined;
    const head = data.slice(0, trailer.clear);
    const aad = concat(head, data.slice(-TRAILER_BYTES));
    const plain = await known.open(trailer, aad, data.slice(trailer.clear, -TRAILER_BYTES));
    return plain && concat(head, plain);
  }
}

/** Clear bytes of a frame: see the head of this file. @param type of video: `key` or `delta`; of audio there is none */
export function clearBytes(type: string | undefined): number {
  if (type === undefined) return 1;
  return type === 'key' ? 10 : 3;
}
