/** Who talks during a soak: peers of the SDK, and clients without it that resume by hand. */
import { type PeerMetadata, SignalingSession } from '@tandem/rtc';
import WebSocket from 'ws';
import type { Ledger } from '../../test/simulation/ledger.ts';
import { signalUrl, spread, type Target } from './spread-socket.ts';

/** Somebody in a room, as the invariants see it. */
export interface Soaker {
  readonly name: string;
  readonly room: string;
  /** Undefined while it has none. */
  readonly peerId: string | undefined;
  /** What it said of itself last. */
  readonly metadata: PeerMetadata;
  /** Whom it sees, by peer id. */
  readonly view: ReadonlyMap<string, { readonly away?: boolean; readonly metadata?: PeerMetadata }>;
  readonly open: boolean;
  /** Own messages neither confirmed nor failed. */
  readonly pending: number;
  /** What must not have happened to it. */
  readonly problems: string[];
  say(n: number): void;
  update(metadata: PeerMetadata): void;
  leave(): void;
  enter(): void;
  close(): void;
}

export interface SoakerOptions {
  readonly name: string;
  readonly room: string;
  readonly token: string;
  readonly targets: () => readonly Target[];
}

export class SdkSoaker implements Soaker {
  readonly name: string;
  readonly room: string;
  readonly session: SignalingSession;
  readonly problems: string[] = [];
  metadata: PeerMetadata;
  readonly #ledger: Ledger;

  constructor({ name, room, token, targets }: SoakerOptions, ledger: Ledger) {
    this.name = name;
    this.room = room;
    this.metadata = { name };
    this.#ledger = ledger;
    this.session = new SignalingSession({ ...spread(targets, '10.0.0.1'), getToken: async () => token });
    this.session.on('message', ({ peerId, data }) => {
      // Clients without the SDK send text, which the ledger does not keep.
      if (typeof data === 'object') ledger.received(peerId, this, data);
    });
    this.session.on('session-lost', () => this.problems.push(`${name}: its session was lost`));
    this.session.on('state', ({ state, reason, message }) => {
      if (state === 'closed' && reason !== 'normal') this.problems.push(`${name}: closed for ${reason}, ${message}`);
    });
    this.session.on('room-lost', ({ code }) => this.problems.push(`${name}: its room was lost: ${code}`));
  }

  get peerId() {
    return this.session.peerId;
  }
  get view() {
    return this.session.peers;
  }
  get open() {
    return this.session.state === 'open' && this.session.roomId === this.room;
  }
  get pending() {
    return this.session.pending;
  }

  say(n: number): void {
    const peers = [...this.session.peers.values()].filter((p) => p.metadata?.delivery === 1);
    const to = peers[n % Math.max(1, peers.length)]?.peerId;
    if (to === undefined || this.session.peerId === undefined) return;
    const { data, note } = this.#ledger.send(this, to, Date.now());
    void this.session.sendTo(to, 'message', { data }).then(note);
  }
  update(metadata: PeerMetadata): void {
    this.metadata = { ...metadata, name: this.name };
    this.session.update(this.metadata);
  }
  leave(): void {
    this.session.leave();
  }
  enter(): void {
    this.session.join(this.room, this.metadata).catch((error: Error) => this.problems.push(`${this.name}: ${error}`));
  }
  close(): void {
    this.session.close();
  }
}

interface Heard {
  readonly type: string;
  readonly peerId: string;
  readonly roomId?: string;
  readonly code?: string;
  readonly sessionToken?: string;
  readonly metadata?: PeerMetadata;
  readonly version?: number;
  readonly peers?: readonly RawPeer[];
  readonly replyTo?: string;
}
interface RawPeer {
  readonly peerId: string;
  readonly away?: boolean;
  readonly metadata?: PeerMetadata;
}

/** A client that somebody wrote from docs/service-contracts.md: it resumes, reads lists and events, and sends without ids. */
export class RawSoaker implements Soaker {
  readonly name: string;
  readonly room: string;
  readonly view = new Map<string, RawPeer>();
  readonly problems: string[] = [];
  readonly pending = 0;
  metadata: PeerMetadata;
  peerId: string | undefined;
  readonly #o: SoakerOptions;
  #socket: WebSocket | undefined;
  #sessionToken: string | undefined;
  #in = false;
  #wants = false;
  #over = false;
  #listed = 0;
  #tries = 0;
  /** Sockets whose resume was not answered: it may be carried out later, and takes the session then (S-73). */
  readonly #unanswered = new Set<WebSocket>();

  constructor(options: SoakerOptions) {
    this.#o = options;
    this.name = options.name;
    this.room = options.room;
    this.metadata = { name: options.name };
    this.#dial();
  }

  get open(): boolean {
    return this.#in;
  }

  #dial(): void {
    if (this.#over) return;
    const targets = this.#o.targets();
    const target = targets[Math.floor(Math.random() * targets.length)];
    const url = target ? signalUrl(target) : 'ws://127.0.0.1:9/';
    const headers = { 'x-forwarded-for': '10.0.0.2' };
    const socket = new WebSocket(url, ['signal.v1', `bearer.${this.#o.token}`], { headers, handshakeTimeout: 5000 });
    this.#socket = socket;
    const silent = setTimeout(() => socket.terminate(), 15_000);
    let greeted: Heard | undefined;
    socket.on('open', () => {
      if (!this.#sessionToken) return;
      this.#unanswered.add(socket);
      this.#send({ type: 'resume', sessionToken: this.#sessionToken });
    });
    socket.on('message', (text) => {
      silent.refresh();
      const heard = JSON.parse(String(text)) as Heard;
      if (heard.type === 'welcome') greeted = heard;
      if (heard.type === 'resumed' || heard.replyTo === 'resume') this.#unanswered.delete(socket);
      if (socket === this.#socket) this.#hear(heard, greeted);
    });
    // The server pings at least every 25 s when it is silent; a client that must notice sooner asks itself.
    const asking = setInterval(() => this.#send({ type: 'ping' }), 5000);
    socket.on('error', () => {});
    socket.on('close', (code) => {
      clearTimeout(silent);
      clearInterval(asking);
      if (this.#over) return;
      this.#in = false;
      if (code === 4010) this.#unanswered.delete(socket);
      if (code === 4010 && this.#unanswered.size === 0)
        this.problems.push(`${this.name}: its only socket was closed with 4010`);
      if (code === 4006) this.problems.push(`${this.name}: closed as abuse`);
      setTimeout(() => this.#dial(), Math.random() * Math.min(4000, 300 * 2 ** this.#tries++));
    });
  }

  #hear(heard: Heard, greeting: Heard | undefined): void {
    switch (heard.type) {
      case 'welcome':
        if (!this.#sessionToken) this.#begin(heard);
        return;
      case 'joined':
      case 'resumed':
      case 'room':
        this.#tries = 0;
        this.view.clear();
        for (const peer of heard.peers ?? []) this.view.set(peer.peerId, peer);
        this.#listed = heard.version ?? 0;
        if (heard.type === 'room') return;
        if (heard.type === 'resumed' && heard.roomId === undefined && this.#wants) this.enter();
        else this.#in = true;
        if (heard.type === 'resumed') this.#send({ type: 'update', metadata: this.metadata });
        return;
      case 'error':
        this.#refused(heard, greeting);
        return;
      default:
        if ((heard.version ?? Infinity) >= this.#listed) this.#event(heard);
    }
  }

  #event({ type, peerId, metadata }: Heard): void {
    const known = this.view.get(peerId);
    if (type === 'peer_joined') this.view.set(peerId, { peerId, ...(metadata ? { metadata } : {}) });
    else if (type === 'peer_left') this.view.delete(peerId);
    else if (!known) return;
    else if (type === 'peer_away') this.view.set(peerId, { ...known, away: true });
    else if (type === 'peer_back') this.view.set(peerId, { ...known, away: false });
    else if (type === 'peer_updated') this.view.set(peerId, { ...known, ...(metadata ? { metadata } : {}) });
  }

  #refused({ code, replyTo }: Heard, greeting: Heard | undefined): void {
    if (code === 'session_unknown') {
      this.problems.push(`${this.name}: its session was lost`);
      if (greeting) this.#begin(greeting);
    } else if (code === 'unavailable' && replyTo === 'resume') this.#socket?.terminate();
    else if (code === 'unavailable' && replyTo === 'join')
      setTimeout(() => this.#wants && !this.#in && this.enter(), 2000);
  }

  #begin(greeting: Heard): void {
    this.peerId = greeting.peerId;
    this.#sessionToken = greeting.sessionToken;
    if (this.#wants) this.enter();
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  say(n: number): void {
    if (this.#in) this.#send({ type: 'message', data: `${this.name} ${n}` });
  }
  update(metadata: PeerMetadata): void {
    this.metadata = { ...metadata, name: this.name };
    if (this.#in) this.#send({ type: 'update', metadata: this.metadata });
  }
  leave(): void {
    this.#wants = false;
    this.#in = false;
    this.view.clear();
    this.#send({ type: 'leave' });
  }
  enter(): void {
    this.#wants = true;
    this.#send({ type: 'join', roomId: this.room, metadata: this.metadata });
  }
  close(): void {
    this.#over = true;
    this.#socket?.close(1000);
  }
}
