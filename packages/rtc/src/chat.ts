/** Chat, reactions and app data of a call: what each message says, and who gets it. */
import type { CallEvents, ChatMessage, RemotePeer } from './call-types.ts';
import { ChatHistory } from './chat-history.ts';
import { type Clock, coalesced } from './clock.ts';
import type { DeliveryResult } from './delivery-types.ts';
import { FileTransfer } from './file-transfer.ts';
import { MAX_CHAT_LENGTH, type PeerMessage } from './peer-input.ts';
import { PeerMessages, type ReceivedMessage } from './peer-messages.ts';
import type { RemoteView } from './quality.ts';
import { randomHex } from './random-id.ts';

export interface ChatHost {
  readonly clock: Clock;
  channel(peerId: string): RTCDataChannel | undefined;
  signal(peerId: string, message: PeerMessage): Promise<DeliveryResult>;
  once(message: object, peerId?: string): boolean;
  /** Who is in the call, by peer id. */
  readonly members: ReadonlyMap<string, ChatPeer>;
  me(): { peerId: string; name: string };
  emit<K extends 'chat' | 'chat-history' | 'file' | 'reaction' | 'data'>(event: K, payload: CallEvents[K]): void;
  /** Apply what peers want of my camera. */
  cap(): void;
}

/** Who says something. */
export interface ChatPeer {
  readonly view: Pick<RemotePeer, 'name' | 'metadata'> & Partial<Pick<RemotePeer, 'userId'>>;
  /** What it hears and sees of me. */
  remoteView: RemoteView | undefined;
  /** The tallest picture that it wants of my camera, in lines; 0: none. */
  wants: number | undefined;
}

/** However often a peer wants another size of my camera, what is sent follows after this time: a new size costs a key frame, ms. */
const WANT_MS = 100;

export class Chat {
  readonly #host: ChatHost;
  readonly #messages: PeerMessages;
  readonly #history: ChatHistory;
  readonly #files: FileTransfer;
  readonly #capSoon: () => void;
  /** False: moderators alone write (rule S-49). What goes past the server is not handed on: from a moderator it would be believed. */
  open = true;

  constructor(host: ChatHost) {
    this.#host = host;
    this.#capSoon = coalesced(host.clock, WANT_MS, host.cap);
    this.#messages = new PeerMessages({
      ...host,
      received: (peerId, message) => this.#received(peerId, message),
    });
    this.#history = new ChatHistory({
      clock: host.clock,
      send: (peerId, message) => void this.#messages.send(peerId, message),
      isTrusted: (peerId) => this.open || host.members.get(peerId)?.view.metadata.moderator === true,
      learned: (peerId, lines) => host.emit('chat-history', { peerId, lines }),
    });
    this.#files = new FileTransfer({
      ...host,
      say: (peerId, message) => void this.#messages.send(peerId, message),
      received: (file) => host.emit('file', file),
    });
  }

  chat(text: string, to?: string): ChatMessage {
    if (text.length > MAX_CHAT_LENGTH)
      throw new RangeError(`text: a chat message has at most ${MAX_CHAT_LENGTH} characters; this has ${text.length}.`);
    const id = randomHex(9);
    const at = Date.now();
    const { peerId, name } = this.#host.me();
    const line = { tandem: 'chat', id, text, at } as const;
    const delivered = to === undefined ? this.#toAll(line) : this.#toAll({ ...line, private: true }, to);
    if (to === undefined) this.#history.add({ id, name, text, at }, peerId);
    const message: ChatMessage = {
      id,
      peerId,
      name,
      text,
      at,
      shownAt: at,
      mine: true,
      ...(to === undefined ? {} : { privateTo: to }),
      delivered,
    };
    this.#host.emit('chat', message);
    return message;
  }
  sendFile(file: Blob, name: string, to = [...this.#host.members.keys()]): Promise<ReadonlyMap<string, boolean>> {
    return this.#files.send(file, name, to);
  }
  /** This peer was in the room before me. */
  metEarlier(peerId: string): void {
    this.#history.metEarlier(peerId);
  }
  react(emoji: string): void {
    void this.#toAll({ tandem: 'reaction', emoji });
  }
  send(data: unknown, peerId?: string): Promise<ReadonlyMap<string, DeliveryResult>> {
    return this.#toAll({ tandem: 'data', id: randomHex(9), data }, peerId);
  }
  /** Tell a peer what I hear and see of it. */
  quality(peerId: string, view: RemoteView): void {
    void this.#messages.send(peerId, { tandem: 'quality', view });
  }

  /** Tell a peer the tallest picture that I want of its camera. */
  want(peerId: string, lines: number): void {
    void this.#messages.send(peerId, { tandem: 'want', video: lines });
  }

  /** A message of a peer, by its channel (text) or signaling (object). False when it is not of this kind. */
  receive(peerId: string, message: unknown): boolean {
    return this.#messages.receive(peerId, message);
  }

  /** The peer left. */
  forget(peerId: string): void {
    this.#messages.forget(peerId);
    this.#history.forget(peerId);
    this.#files.forget(peerId);
  }

  close(): void {
    this.#messages.close();
    this.#history.close();
    this.#files.close();
  }

  /** To everybody, or to one. */
  async #toAll(message: PeerMessage, to?: string): Promise<ReadonlyMap<string, DeliveryResult>> {
    if (to === undefined) return this.#messages.sendToAll([...this.#host.members.keys()], message);
    return new Map([[to, await this.#messages.send(to, message)]]);
  }

  #received(peerId: string, message: ReceivedMessage): void {
    const peer = this.#host.members.get(peerId);
    if (!peer) return;
    const { name, metadata } = peer.view;
    const mayWrite = this.open || metadata.moderator;
    switch (message.tandem) {
      case 'chat': {
        const { id, text, at } = message;
        if (mayWrite && !message.private) this.#history.add({ id, name, text, at }, peer.view.userId ?? peerId);
        const privately = message.private ? { privateTo: this.#host.me().peerId } : {};
        this.#host.emit('chat', { id, peerId, name, text, at, shownAt: Date.now(), mine: false, ...privately });
        break;
      }
      case 'history-ask':
        this.#history.answer(peerId, message.id);
        break;
      case 'history':
        if (mayWrite) this.#history.take(peerId, message.id, message.lines);
        break;
      case 'file':
        this.#files.begin(peerId, message);
        break;
      case 'file-part':
        this.#files.take(peerId, message);
        break;
      case 'file-state':
        this.#files.heard(peerId, message);
        break;
      case 'reaction':
        this.#host.emit('reaction', { peerId, emoji: message.emoji });
        break;
      case 'data':
        this.#host.emit('data', { peerId, data: message.data });
        break;
      case 'quality':
        peer.remoteView = message.view;
        break;
      case 'want':
        peer.wants = message.video;
        this.#capSoon();
        break;
      default:
        message satisfies never;
    }
  }
}
