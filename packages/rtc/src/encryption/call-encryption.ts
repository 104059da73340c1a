/**
 * End-to-end encryption of a call. Who has the room's secret, which travels in the fragment of a link and so reaches no server, sees and
 * hears; servers, media nodes and everybody else do not. docs/encryption.md has what it protects from.
 */
import type { CallEncryption } from '../call-types.ts';
import { Emitter } from '../emitter.ts';
import type { SignalingSession } from '../session.ts';
import type { PeerInfo } from '../wire.ts';
import { type Bytes, fromBase64Url, toBase64Url } from './bytes.ts';
import {
  type EncryptedConnections,
  encryptedConnections,
  fingerprintOf,
  fingerprints,
  type ReceiverIds,
} from './encrypted-connection.ts';
import { GENERATIONS, newSenderKey, nextGeneration, type SenderKey } from './frame-cipher.ts';
import type { WorkerMessage } from './frames.ts';
import { type Announcement, type Identity, RoomKeys, type Seal, safetyNumber } from './room-keys.ts';

/** A new key is made this time after the last of those who leave together, ms. */
const ROTATION_DELAY = 500;
/** The new key is used when everybody has it, or after this time, ms. */
const ROTATION_WAIT = 2000;
/** A key that somebody did not get is given again after this time, then after twice that and so on, ms. */
const GIVE_AGAIN = 3000;

/** What {@link Encryption.create} needs. @public */
export interface EncryptionOptions {
  readonly session: SignalingSession;
  readonly roomId: string;
  /** From the link: 22 characters of base64url, as {@link newSecret} makes them. */
  readonly secret: string;
  /** A module worker that imports `@tandem/rtc/encryption-worker`. It is the call's: `close` ends it. */
  readonly worker: Worker;
  /** Default: the browser's. */
  readonly RTCPeerConnection?: typeof RTCPeerConnection;
}

/** Who has shown nothing by then is taken for somebody without the key, until it does, ms: a copied announcement looks like this. */
const PROOF_WAIT = 10_000;

/**
 * `checking`: not known yet, ten seconds at most. `trusted`: it has the room's secret, and the key that it announced. `without-key`: it
 * has not, neither sees nor hears, and cannot be seen or heard. @public
 */
export type PeerTrust = 'checking' | 'trusted' | 'without-key';

/** @public */
export interface EncryptionEvents {
  /** Somebody came, left, or was checked: trust and safety number may have changed. */
  changed: Record<string, never>;
}

interface Known {
  readonly identity: Identity;
  readonly seal: Seal;
}

interface Peer {
  readonly announced: string;
  /** Undefined once it is checked: its announcement was not made with the secret. */
  readonly known: Promise<Known | undefined>;
  trust: PeerTrust;
  identity?: Identity;
  /** Until it has sealed a message. */
  proof?: ReturnType<typeof setTimeout>;
}

/**
 * The keys of one call. Make it before the call, give it to the call, close it after it.
 *
 * @public
 * @example
 * const encryption = await Encryption.create({ session, roomId, secret, worker });
 * const call = new Call({ session, roomId, stream, encryption });
 */
export class Encryption extends Emitter<EncryptionEvents> implements CallEncryption {
  readonly metadata: { readonly encryption: Announcement };
  readonly RTCPeerConnection: typeof RTCPeerConnection;
  readonly #session: SignalingSession;
  readonly #worker: Worker;
  readonly #keys: RoomKeys;
  readonly #peers = new Map<string, Peer>();
  /** By announcement: the numbers of messages go on when somebody is met again. */
  readonly #known = new Map<string, Promise<Known | undefined>>();
  /** Of tracks that come in, as the worker knows them. */
  readonly #receivers: ReceiverIds;
  readonly #off: (() => void)[];
  #mine: SenderKey = newSenderKey();
  /** Changes of my key, one at a time. */
  #changes: Promise<void> = Promise.resolve();
  #rotation: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  private constructor(
    { session, worker }: EncryptionOptions,
    keys: RoomKeys,
    announcement: Announcement,
    { connections, receivers }: EncryptedConnections,
  ) {
    super();
    this.#session = session;
    this.#worker = worker;
    this.#keys = keys;
    this.metadata = { encryption: announcement };
    this.RTCPeerConnection = connections;
    this.#receivers = receivers;
    this.#tell({ type: 'send-with', key: this.#mine });
    this.#off = [
      session.on('peer-joined', ({ peer }) => this.#meet(peer)),
      session.on('peer-updated', ({ peer }) => this.#meet(peer)),
      session.on('peer-left', ({ peer, reason }) => this.#leave(peer.peerId, reason)),
    ];
  }

  /** Can this browser do it? It needs encoded transforms (`RTCRtpScriptTransform`) and a page by https. */
  static get isSupported(): boolean {
    return typeof RTCRtpScriptTransform === 'function' && crypto.subtle !== undefined;
  }

  /** @throws RangeError when `secret` is none, Error when the browser cannot do it */
  static async create(options: EncryptionOptions): Promise<Encryption> {
    if (!Encryption.isSupported)
      throw new Error(
        'Encryption: this browser has no RTCRtpScriptTransform, or the page no https. Use another browser.',
      );
    const { roomId, secret, worker, RTCPeerConnection: Native = RTCPeerConnection } = options;
    const keys = await RoomKeys.create(secret, roomId);
    const certificate = await Native.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as AlgorithmIdentifier);
    const announcement = await keys.announce(await fingerprintOf(Native, certificate));
    return new Encryption(options, keys, announcement, encryptedConnections(Native, certificate, worker));
  }

  /** Of a peer of the call. */
  trust(peerId: string): PeerTrust {
    return this.#peers.get(peerId)?.trust ?? 'checking';
  }

  /** Thirty digits: the same for all who see the same people. */
  safetyNumber(): Promise<string> {
    const others = [...this.#peers.values()].flatMap(({ trust, identity }) =>
      trust === 'trusted' && identity ? [identity.publicKey] : [],
    );
    return safetyNumber([this.#keys.publicKey, ...others]);
  }

  trusts(peerId: string, connection: RTCPeerConnection): boolean {
    const identity = this.#peers.get(peerId)?.identity;
    const said = fingerprints(connection.remoteDescription?.sdp ?? '');
    return identity !== undefined && said.length === 1 && said[0] === identity.dtls.toUpperCase();
  }

  expects(peerId: string, track: MediaStreamTrack): void {
    const receiver = this.#receivers.get(track);
    if (receiver !== undefined) this.#tell({ type: 'expect', receiver, owner: peerId });
  }

  async seal(peerId: string, data: unknown): Promise<unknown> {
    const known = await this.#peers.get(peerId)?.known;
    const { peerId: from } = this.#session;
    if (!known || from === undefined) return undefined;
    return { tandem: 'sealed', box: await known.seal.close(data, { from, to: peerId }) };
  }

  async open(peerId: string, data: unknown): Promise<unknown> {
    const { tandem, box } = (data ?? {}) as { tandem?: unknown; box?: unknown };
    const peer = this.#peers.get(peerId);
    const to = this.#session.peerId;
    const known = await peer?.known;
    if (tandem !== 'sealed' || !peer || !known || to === undefined) return undefined;
    const message = await known.seal.open(box, { from: peerId, to });
    // Gone meanwhile, or somebody else by its announcement: what the former one sent is nothing.
    if (message === undefined || this.#peers.get(peerId) !== peer || this.#closed) return undefined;
    this.#proven(peer);
    const key = readSenderKey(message);
    if (!key) return message;
    this.#tell({ type: 'receive-with', owner: peerId, key });
    return undefined;
  }

  /** Ends the worker, and with it all media of the call. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#rotation);
    for (const off of this.#off) off();
    for (const { proof } of this.#peers.values()) clearTimeout(proof);
    this.#peers.clear();
    this.#worker.terminate();
  }

  #meet({ peerId, metadata }: PeerInfo): void {
    const announced = JSON.stringify(metadata?.encryption ?? null);
    const before = this.#peers.get(peerId);
    if (before?.announced === announced) return;
    if (before) {
      clearTimeout(before.proof);
      this.#tell({ type: 'forget', owner: peerId });
    }
    const peer: Peer = { announced, known: this.#check(announced, metadata?.encryption), trust: 'checking' };
    this.#peers.set(peerId, peer);
    void peer.known.then((known) => {
      if (this.#peers.get(peerId) !== peer || this.#closed) return;
      if (!known) return this.#judge(peer, 'without-key');
      peer.identity = known.identity;
      peer.proof = setTimeout(() => this.#judge(peer, 'without-key'), PROOF_WAIT);
      this.#change(() => this.#welcome(peerId));
    });
  }

  /** It has sealed a message, so it has the private half of its key. */
  #proven(peer: Peer): void {
    clearTimeout(peer.proof);
    this.#judge(peer, 'trusted');
  }

  #judge(peer: Peer, trust: PeerTrust): void {
    if (peer.trust === trust) return;
    peer.trust = trust;
    this.emit('changed', {});
  }

  #check(announced: string, announcement: unknown): Promise<Known | undefined> {
    const before = this.#known.get(announced);
    if (before) return before;
    const known = this.#verify(announcement);
    this.#known.set(announced, known);
    // Only what was made with the secret is kept: anybody can announce anything.
    void known.then((holds) => holds || this.#known.delete(announced));
    return known;
  }

  async #verify(announcement: unknown): Promise<Known | undefined> {
    const identity = await this.#keys.verify(announcement);
    if (!identity) return undefined;
    // A key that is no point on the curve was made with the secret, and is none all the same.
    const seal = await this.#keys.sealWith(identity).catch(() => undefined);
    return seal && { identity, seal };
  }

  #leave(peerId: string, reason: string): void {
    const peer = this.#peers.get(peerId);
    if (!peer || !this.#peers.delete(peerId)) return;
    clearTimeout(peer.proof);
    this.emit('changed', {});
    // Signaling forgot me: the others are there, and their media goes on until we meet again.
    if (reason === 'session-lost') return;
    this.#tell({ type: 'forget', owner: peerId });
    if (!peer.identity) return;
    clearTimeout(this.#rotation);
    this.#rotation = setTimeout(() => this.#change(() => this.#rotate()), ROTATION_DELAY);
  }

  /** Who comes gets a key that opens nothing of what was said before; the others derive it. */
  async #welcome(peerId: string): Promise<void> {
    if (this.#mine.generation + 1 >= GENERATIONS) return this.#rotate();
    this.#mine = await nextGeneration(this.#mine);
    this.#tell({ type: 'send-with', key: this.#mine });
    void this.#give(peerId, this.#mine);
  }

  /** Who left has the old key and cannot have the new one. */
  async #rotate(): Promise<void> {
    const key = newSenderKey();
    const given = [...this.#peers].flatMap(([peerId, { identity }]) => (identity ? [this.#give(peerId, key)] : []));
    await Promise.race([Promise.all(given), new Promise((resolve) => setTimeout(resolve, ROTATION_WAIT))]);
    this.#mine = key;
    this.#tell({ type: 'send-with', key });
  }

  /** Until it has it: a message may be given up (a server that does not answer, too much that waits), and without the key it sees nothing. */
  async #give(peerId: string, { id, generation, material }: SenderKey, wait = GIVE_AGAIN): Promise<void> {
    const peer = this.#peers.get(peerId);
    const data = await this.seal(peerId, { encryptionKey: { id, generation, material: toBase64Url(material) } });
    if (!data || (await this.#session.sendTo(peerId, 'message', { data })).ok) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
    // Who comes again is welcomed anew, and a new key is given by those who made it.
    if (peer && this.#peers.get(peerId) === peer && this.#mine.id === id)
      await this.#give(peerId, this.#mine, 2 * wait);
  }

  #change(step: () => Promise<void>): void {
    this.#changes = this.#changes.then(() => (this.#closed ? undefined : step())).catch(() => {});
  }

  #tell(message: WorkerMessage): void {
    this.#worker.postMessage(message);
  }
}

/** The key in an opened message, or undefined when it is none. */
function readSenderKey(message: unknown): SenderKey | undefined {
  const { encryptionKey } = (message ?? {}) as { encryptionKey?: unknown };
  const { id, generation, material } = (encryptionKey ?? {}) as Partial<Record<keyof SenderKey, unknown>>;
  const bytes: Bytes | undefined = fromBase64Url(material, 32);
  if (!Number.isInteger(id) || !Number.isInteger(generation) || bytes?.length !== 32) return undefined;
  if ((id as number) < 0 || (id as number) > 0xffff_ffff) return undefined;
  if ((generation as number) < 0 || (generation as number) >= GENERATIONS) return undefined;
  return { id: id as number, generation: generation as number, material: bytes };
}
