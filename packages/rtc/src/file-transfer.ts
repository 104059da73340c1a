/** Files of a few megabytes from peer to peer, in parts over the data channel: no server sees them, none keeps them. */
import { type Clock, sleep } from './clock.ts';
import {
  type FileOffer,
  type FilePart,
  type FileState,
  MAX_FILE_BYTES,
  MAX_PART_BYTES,
  readFileName,
} from './peer-input.ts';
import { randomHex } from './random-id.ts';

/** A file that came in whole. @public */
export interface ReceivedFile {
  readonly peerId: string;
  readonly id: string;
  /** Fit to be shown and to be a file's name. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Of the type `application/octet-stream`, whatever is in it: no browser runs it as a page of this site. */
  readonly blob: Blob;
}

export interface FileTransferHost {
  readonly clock: Clock;
  channel(peerId: string): RTCDataChannel | undefined;
  /** Over the channel, if there is one. */
  say(peerId: string, message: FileState): void;
  received(file: ReceivedFile): void;
}

/** Bytes that may wait in a channel before more is put into it: what else is said does not wait behind a file. */
const BUFFERED = 64 * 1024;
const POLL_MS = 20;
/** Files under way from one peer (older clients send several at once), and bytes that came of all that are under way. */
const MOST_AT_ONCE = 2;
const MOST_BYTES = 4 * MAX_FILE_BYTES;
/** Files that go to a peer one right after another, and those that are taken of one, which came together on their way; then one each time, ms. */
const BURST = 20;
const MOST_IN_BURST = 30;
const EACH_MS = 1000;
/** A receiver that has said nothing by then is an older one, which never does; after the second time it will not have the file, ms. */
const SILENT_MS = 3000;
const STALE_MS = 60_000;

interface Incoming {
  readonly peerId: string;
  readonly offer: FileOffer;
  readonly parts: Uint8Array<ArrayBuffer>[];
  bytes: number;
}

const keyOf = (peerId: string, id: string) => `${peerId} ${id}`;

export class FileTransfer {
  readonly #host: FileTransferHost;
  /** By peer and file; whose last part is longest ago comes first. */
  readonly #incoming = new Map<string, Incoming>();
  /** The last file to each peer: the next one waits for it. */
  readonly #turns = new Map<string, Promise<boolean>>();
  /** What receivers say of the files that go out, by peer and file. */
  readonly #states = new Map<string, FileState['state'] | undefined>();
  /** When a peer's files have all their time, by peer and way. */
  readonly #until = new Map<string, number>();
  #closed = false;

  constructor(host: FileTransferHost) {
    this.#host = host;
  }

  /**
   * To these peers, at the pace of each channel, after the files before it.
   * @returns whether each has it all, by peer id. @throws RangeError when the file is empty or larger than 5 MiB
   */
  async send(file: Blob, name: string, peerIds: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    if (file.size === 0 || file.size > MAX_FILE_BYTES)
      throw new RangeError(`file: has 1 to ${MAX_FILE_BYTES} bytes; this has ${file.size}.`);
    const offer: FileOffer = { tandem: 'file', id: randomHex(9), name: readFileName(name) ?? 'file', size: file.size };
    let buffer: Promise<ArrayBuffer> | undefined;
    // Of a file that waits, nothing is in memory.
    const read = async () => {
      buffer ??= file.arrayBuffer();
      return new Uint8Array(await buffer);
    };
    const sent = peerIds.map(async (peerId) => {
      const before = Promise.resolve(this.#turns.get(peerId));
      const turn = before.then(() => this.#sendTo(peerId, offer, read)).catch(() => false);
      this.#turns.set(peerId, turn);
      return [peerId, await turn] as const;
    });
    return new Map(await Promise.all(sent));
  }

  async #sendTo(peerId: string, offer: FileOffer, read: () => Promise<Uint8Array>): Promise<boolean> {
    const { clock, channel: channelOf } = this.#host;
    const key = keyOf(peerId, offer.id);
    const state = () => this.#states.get(key);
    const channel = channelOf(peerId);
    if (!channel) return false;
    while (!this.#closed && !this.#isDue(peerId, 'to', BURST)) await sleep(clock, POLL_MS);
    const bytes = await read();
    // The channel of a connection that was rebuilt meanwhile knows nothing of this file.
    const goesOn = () =>
      !this.#closed && channel === channelOf(peerId) && channel.readyState === 'open' && state() !== 'dropped';
    this.#states.set(key, undefined);
    try {
      channel.send(JSON.stringify(offer));
      for (let n = 0; n * MAX_PART_BYTES < bytes.length; n++) {
        while (goesOn() && channel.bufferedAmount > BUFFERED) await sleep(clock, POLL_MS);
        if (!goesOn()) return false;
        const part = bytes.subarray(n * MAX_PART_BYTES, (n + 1) * MAX_PART_BYTES);
        channel.send(JSON.stringify({ tandem: 'file-part', id: offer.id, n, data: base64(part) }));
      }
      for (let waited = 0; goesOn() && state() !== 'whole'; waited += POLL_MS) {
        if (waited >= (state() ? STALE_MS : SILENT_MS)) return !state();
        await sleep(clock, POLL_MS);
      }
      return state() === 'whole';
    } finally {
      this.#states.delete(key);
    }
  }

  /** A peer says what became of a file of mine. */
  heard(peerId: string, { id, state }: FileState): void {
    const key = keyOf(peerId, id);
    if (this.#states.has(key)) this.#states.set(key, state);
  }

  /** A peer begins a file, in place of its own oldest one when it has too many under way: it broke that one off. */
  begin(peerId: string, offer: FileOffer): void {
    const key = keyOf(peerId, offer.id);
    if (this.#incoming.has(key)) return;
    if (!this.#isDue(peerId, 'from', MOST_IN_BURST)) {
      this.#tell(peerId, offer.id, 'dropped');
      return;
    }
    const [oldest, ...others] = [...this.#incoming.values()].filter((file) => file.peerId === peerId);
    if (oldest && others.length + 1 >= MOST_AT_ONCE) this.#drop(oldest);
    this.#incoming.set(key, { peerId, offer, parts: [], bytes: 0 });
    this.#tell(peerId, offer.id, 'begun');
  }

  /** The next part. One out of order, smaller than a part is before the last, or beyond what was said, ends the file. */
  take(peerId: string, { id, n, data }: FilePart): void {
    const key = keyOf(peerId, id);
    const file = this.#incoming.get(key);
    if (!file) return;
    const { name, size } = file.offer;
    const part = bytesOf(data);
    // Full parts: millions of one byte each would cost a hundred times what the file has.
    if (n !== file.parts.length || part?.length !== Math.min(MAX_PART_BYTES, size - file.bytes)) {
      this.#drop(file);
      return;
    }
    file.parts.push(part);
    file.bytes += part.length;
    this.#incoming.delete(key);
    if (file.bytes < size) {
      this.#incoming.set(key, file);
      this.#makeRoom();
      return;
    }
    this.#host.received({ peerId, id, name, size, blob: new Blob(file.parts, { type: 'application/octet-stream' }) });
    this.#tell(peerId, id, 'whole');
  }

  #makeRoom(): void {
    let bytes = 0;
    for (const file of this.#incoming.values()) bytes += file.bytes;
    for (const file of this.#incoming.values()) {
      if (bytes <= MOST_BYTES) return;
      bytes -= file.bytes;
      this.#drop(file);
    }
  }

  #drop({ peerId, offer: { id } }: Incoming): void {
    this.#incoming.delete(keyOf(peerId, id));
    this.#tell(peerId, id, 'dropped');
  }

  #tell(peerId: string, id: string, state: FileState['state']): void {
    this.#host.say(peerId, { tandem: 'file-state', id, state });
  }

  /** May one more file go, or come? If so it counts. */
  #isDue(peerId: string, way: string, burst: number): boolean {
    const key = keyOf(peerId, way);
    const now = this.#host.clock.now();
    const until = Math.max(now, this.#until.get(key) ?? 0);
    if (until > now + (burst - 1) * EACH_MS) return false;
    this.#until.set(key, until + EACH_MS);
    return true;
  }

  /** The peer left. */
  forget(peerId: string): void {
    for (const [key, file] of this.#incoming) if (file.peerId === peerId) this.#incoming.delete(key);
    this.#turns.delete(peerId);
    for (const way of ['to', 'from']) this.#until.delete(keyOf(peerId, way));
  }

  close(): void {
    this.#closed = true;
    this.#incoming.clear();
  }
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function bytesOf(data: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const text = atob(data);
    const bytes = new Uint8Array(text.length);
    for (let n = 0; n < bytes.length; n++) bytes[n] = text.charCodeAt(n);
    return bytes;
  } catch {
    return undefined;
  }
}
