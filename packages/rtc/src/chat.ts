/** Chat, reactions and app data of a call: what each message says, and who gets it. */
import type { CallEvents, ChatMessage } from './call-types.ts';
import type { Clock } from './clock.ts';
import type { DeliveryResult } from './delivery.ts';
import type { TheirView } from './quality.ts';
import { randomHex } from './random-id.ts';
import { type Talk, TalkLine } from './talk.ts';

export interface ChatHost {
  readonly clock: Clock;
  channel(peerId: string): RTCDataChannel | undefined;
  signal(peerId: string, talk: Talk): Promise<DeliveryResult>;
  peerIds(): string[];
  /** Undefined for somebody who is not in the call. */
  nameOf(peerId: string): string | undefined;
  me(): { peerId: string; name: string };
  emit<K extends 'chat' | 'reaction' | 'data'>(event: K, payload: CallEvents[K]): void;
  /** What a peer hears and sees of me. */
  theirs(peerId: string, view: TheirView): void;
}

export class Chat {
  readonly #host: ChatHost;
  readonly #line: TalkLine;

  constructor(host: ChatHost) {
    this.#host = host;
    this.#line = new TalkLine({
      clock: host.clock,
      channel: (peerId) => host.channel(peerId),
      signal: (peerId, talk) => host.signal(peerId, talk),
      received: (peerId, talk) => this.#received(peerId, talk),
    });
  }

  chat(text: string): ChatMessage {
    const id = randomHex(9);
    const at = Date.now();
    const { peerId, name } = this.#host.me();
    const delivered = this.#toAll({ tandem: 'chat', id, text, at });
    const message: ChatMessage = { id, peerId, name, text, at, mine: true, delivered };
    this.#host.emit('chat', message);
    return message;
  }
  react(emoji: string): void {
    void this.#toAll({ tandem: 'reaction', emoji });
  }
  send(data: unknown, peerId?: string): Promise<ReadonlyMap<string, DeliveryResult>> {
    return this.#toAll({ tandem: 'data', id: randomHex(9), data }, peerId === undefined ? undefined : [peerId]);
  }
  /** Tell a peer what I hear and see of it. */
  quality(peerId: string, view: TheirView): void {
    void this.#line.send(peerId, { tandem: 'quality', view });
  }

  /** A message of a peer, by its channel (text) or signaling (object). False when it is not of this kind. */
  receive(peerId: string, message: unknown): boolean {
    return this.#line.receive(peerId, message);
  }

  close(): void {
    this.#line.close();
  }

  async #toAll(talk: Talk, to = this.#host.peerIds()): Promise<ReadonlyMap<string, DeliveryResult>> {
    return new Map(await Promise.all(to.map(async (id) => [id, await this.#line.send(id, talk)] as const)));
  }

  #received(peerId: string, talk: Talk): void {
    const name = this.#host.nameOf(peerId);
    if (name === undefined) return;
    switch (talk.tandem) {
      case 'chat': {
        const at = Number(talk.at) || Date.now();
        this.#host.emit('chat', { id: String(talk.id), peerId, name, text: String(talk.text), at, mine: false });
        break;
      }
      case 'reaction':
        this.#host.emit('reaction', { peerId, emoji: String(talk.emoji).slice(0, 16) });
        break;
      case 'data':
        this.#host.emit('data', { peerId, data: talk.data });
        break;
      case 'quality':
        if (typeof talk.view === 'object' && talk.view !== null) this.#host.theirs(peerId, talk.view);
    }
  }
}
