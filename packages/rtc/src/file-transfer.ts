/** Files of a few megabytes from peer to peer, in parts over the data channel: no server sees them, none keeps them. */
import { type Clock, sleep } from './clock.ts';
import { type FileOffer, type FilePart, MAX_FILE_BYTES, MAX_PART_BYTES, readFileName } from './peer-input.ts';
import { randomHex } from './random-id.ts';

/** A file that came in whole. @public */
export interface ReceivedFile {
  readonly peerId: string;
  readonly id: string;
  /** Fit to be shown and to be a file's name. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Of no type: what is in it is for its reader to find out. */
  readonly blob: Blob;
}

export interface FileTransferHost {
  readonly clock: Clock;
  channel(peerId: string): RTCDataChannel | undefined;
  received(file: ReceivedFile): void;
}

/** Bytes that may wait in a channel before more is put into it: what else is said does not wait behind a file. */
const BUFFERED = 64 * 1024;
const POLL_MS = 20;
/** Files under way from one peer, and bytes of all that are under way. */
const MOST_AT_ONCE = 2;
const MOST_BYTES = 4 * MAX_FILE_BYTES;
/** A file without a new part for this time is given up, ms. */
const STALE_MS = 60_000;

interface Incoming {
  readonly offer: FileOffer;
  readonly parts: Uint8Array<ArrayBuffer>[];
  bytes: number;
  touched: number;
}

export class FileTransfer {
  readonly #host: FileTransferHost;
  readonly #incoming = new Map<string, Map<string, Incoming>>();
  #closed = false;

  constructor(host: FileTransferHost) {
    this.#host = host;
  }

  /**
   * To these peers, at the pace of each channel.
   * @returns whether each channel took it all, by peer id. @throws RangeError when the file is empty or larger than 5 MiB
   */
  async send(file: Blob, name: string, peerIds: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    if (file.size === 0 || file.size > MAX_FILE_BYTES)
      throw new RangeError(`file: has 1 to ${MAX_FILE_BYTES} bytes; this has ${file.size}.`);
    const id = randomHex(9);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const offer: FileOffer = { tandem: 'file', id, name: readFileName(name) ?? 'file', size: bytes.length };
    const sent = peerIds.map(async (peerId) => [peerId, await this.#sendTo(peerId, offer, bytes)] as const);
    return new Map(await Promise.all(sent));
  }

  async #sendTo(peerId: string, offer: FileOffer, bytes: Uint8Array): Promise<boolean> {
    const channel = this.#host.channel(peerId);
    try {
      channel?.send(JSON.stringify(offer));
      for (let n = 0; n * MAX_PART_BYTES < bytes.length; n++) {
        while (channel?.readyState === 'open' && channel.bufferedAmount > BUFFERED)
          await sleep(this.#host.clock, POLL_MS);
        // The channel of a connection that was rebuilt meanwhile knows nothing of this file.
        if (this.#closed || channel?.readyState !== 'open' || channel !== this.#host.channel(peerId)) return false;
        const part = bytes.subarray(n * MAX_PART_BYTES, (n + 1) * MAX_PART_BYTES);
        channel.send(JSON.stringify({ tandem: 'file-part', id: offer.id, n, data: base64(part) }));
      }
      return true;
    } catch {
      return false;
    }
  }

  /** A peer begins a file. More than it may have under way is not taken. */
  begin(peerId: string, offer: FileOffer): void {
    this.#dropStale();
    const files = this.#incoming.get(peerId) ?? new Map<string, Incoming>();
    const promised = [...this.#incoming.values()]
      .flatMap((map) => [...map.values()])
      .reduce((n, f) => n + f.offer.size, 0);
    if (files.size >= MOST_AT_ONCE || files.has(offer.id) || promised + offer.size > MOST_BYTES) return;
    this.#incoming.set(peerId, files);
    files.set(offer.id, { offer, parts: [], bytes: 0, touched: this.#host.clock.now() });
  }

  /** The next part. One out of order, smaller than a part is before the last, or beyond what was said, ends the file. */
  take(peerId: string, { id, n, data }: FilePart): void {
    const files = this.#incoming.get(peerId);
    const file = files?.get(id);
    if (!files || !file) return;
    const part = bytesOf(data);
    // Full parts: millions of one byte each would cost a hundred times what the file has.
    if (n !== file.parts.length || part?.length !== Math.min(MAX_PART_BYTES, file.offer.size - file.bytes)) {
      files.delete(id);
      return;
    }
    file.parts.push(part);
    file.bytes += part.length;
    file.touched = this.#host.clock.now();
    if (file.bytes < file.offer.size) return;
    files.delete(id);
    const { name, size } = file.offer;
    this.#host.received({ peerId, id, name, size, blob: new Blob(file.parts) });
  }

  #dropStale(): void {
    const now = this.#host.clock.now();
    for (const files of this.#incoming.values())
      for (const [id, { touched }] of files) if (now - touched > STALE_MS) files.delete(id);
  }

  /** The peer left. */
  forget(peerId: string): void {
    this.#incoming.delete(peerId);
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
    return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
