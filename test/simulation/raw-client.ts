/** A client without the SDK: it joins, talks without ids, and comes back with its token, as docs/service-contracts.md allows. */
import { PartClock } from './clock.ts';
import { SimSocket, type Wire } from './wire.ts';
import type { Party, Seen, World } from './world.ts';

interface Frame {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: it reads what it finds, as such a client does
  readonly [field: string]: any;
}

/** It asks whether its socket is alive this often, ms, and gives up after three times that. */
const PING = 3000;

export class RawClient implements Party {
  readonly world: World;
  readonly name: string;
  readonly person: string;
  readonly clock: PartClock;
  dead = false;
  offline = false;
  wire: Wire | undefined;
  peerId: string | undefined;
  /** Every peer id it ever had: old ones stay in others' views for a while. */
  readonly peerIds = new Set<string>();
  roomId: string | undefined;
  /** It says this in its join, and once more later. A resume does not repeat it. */
  said = 'raw';
  /** False once the store lost everything: if its node dies then, no part of the system has what it said. */
  saidIsKept = true;
  readonly view = new Map<string, Seen>();
  /** Called with the data of each message. */
  onMessage: (data: unknown) => void = () => {};
  #socket: SimSocket | undefined;
  #greeting: Frame | undefined;
  #token: string | undefined;
  #resuming = false;
  #listed = -Infinity;
  #heard = 0;
  #closing = false;
  /** Resumes that were sent and not answered: the nodes may still carry them out. */
  readonly #unanswered = new Set<SimSocket>();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.person = name;
    this.clock = new PartClock(world.clock, world.random.fork());
    this.#connect();
  }

  get state(): string {
    return this.#socket?.readyState === 1 ? 'open' : 'closed';
  }
  get inRoom(): boolean {
    return true;
  }

  /** Behind this the store has it, unless a fault begins before. */
  update(said: string): void {
    this.said = said;
    this.#send({ type: 'update', metadata: { said } });
  }
  /** Without an id: to one peer, or to everybody in the room. */
  say(data: unknown, peerId?: string): void {
    this.#send({ type: 'message', data, ...(peerId === undefined ? {} : { peerId }) });
  }
  close(): void {
    this.#closing = true;
    this.clock.dead = true;
    this.#socket?.close(1000);
  }

  #connect(): void {
    if (this.dead || this.#closing) return;
    const socket = new SimSocket(this);
    this.#socket = socket;
    this.#greeting = undefined;
    this.#heard = this.clock.now();
    socket.onopen = () => {
      this.#resuming = this.#token !== undefined;
      if (!this.#token) return;
      this.#unanswered.add(socket);
      this.#send({ type: 'resume', sessionToken: this.#token });
    };
    socket.onmessage = (event: { data: string }) => {
      if (socket === this.#socket) this.#read(JSON.parse(event.data));
    };
    socket.onclose = ({ code }: { code: number }) => {
      if (code === 4010) this.#fenced(socket);
      if (socket === this.#socket) this.#lost();
    };
    this.#watch(socket);
  }

  #watch(socket: SimSocket): void {
    this.clock.setTimeout(() => {
      if (socket !== this.#socket) return;
      if (this.clock.now() - this.#heard > 3 * PING) {
        socket.close(4000);
        this.#lost();
        return;
      }
      if (socket.readyState === 1) this.#send({ type: 'ping' });
      this.#watch(socket);
    }, PING);
  }

  /** S-73: the session is on another socket of this client, or was taken by a resume that it had given up. */
  #fenced(socket: SimSocket): void {
    if (socket !== this.#socket) return;
    this.#unanswered.delete(socket);
    if (this.#unanswered.size === 0) this.world.problem(`${this.name}: its only socket was closed with 4010`);
  }

  #lost(): void {
    this.#socket = undefined;
    this.clock.setTimeout(() => this.#connect(), this.clock.random() * 600);
  }

  #read(frame: Frame): void {
    this.#heard = this.clock.now();
    const { type } = frame;
    if (type === 'welcome') {
      this.#greeting = frame;
      if (!this.#resuming) this.#begin();
    } else if (type === 'resumed') {
      this.#resuming = false;
      if (this.#socket) this.#unanswered.delete(this.#socket);
      this.roomId = frame.roomId;
      this.#list(frame);
      if (!frame.roomId) this.#join();
    } else if (type === 'joined' || type === 'room') {
      this.roomId = frame.roomId;
      this.#list(frame);
    } else if (type.startsWith('peer_')) this.#event(frame);
    else if (type === 'message') this.onMessage(frame.data);
    else if (type === 'error') this.#refused(frame);
  }

  /** The session of the greeting is mine. */
  #begin(): void {
    this.#resuming = false;
    this.#token = this.#greeting?.sessionToken;
    this.peerId = this.#greeting?.peerId;
    if (this.peerId) this.peerIds.add(this.peerId);
    this.view.clear();
    this.#join();
  }

  #join(): void {
    this.#send({ type: 'join', roomId: 'room', metadata: { said: this.said } });
  }

  #refused({ code, replyTo, retryAfter = 500 }: Frame): void {
    if (replyTo === 'resume' && this.#socket) this.#unanswered.delete(this.#socket);
    if (replyTo === 'resume' && code === 'session_unknown') {
      this.world.sessionLost(this.name);
      this.roomId = undefined;
      this.#begin();
    } else if (replyTo === 'resume') {
      // A resume must be the first frame of a socket.
      const socket = this.#socket;
      this.clock.setTimeout(() => {
        if (socket !== this.#socket) return;
        socket?.close(4000);
        this.#lost();
      }, retryAfter);
    } else if (replyTo === 'join' && code === 'unavailable') this.clock.setTimeout(() => this.#join(), retryAfter);
    else if (code !== 'unavailable' && code !== 'unknown_peer' && code !== 'mailbox_full')
      this.world.problem(`${this.name}: ${replyTo} refused: ${code}`);
  }

  #list({ peers, version }: Frame): void {
    this.view.clear();
    this.#listed = version;
    for (const { peerId, ...seen } of peers) this.view.set(peerId, seen);
  }

  #event({ type, peerId, version, metadata, away }: Frame): void {
    // Older than the list, and in it.
    if (version < this.#listed) return;
    const known = this.view.get(peerId);
    if (type === 'peer_left') {
      this.view.delete(peerId);
      this.world.peerLeft(this.name, peerId);
    } else if (type === 'peer_joined') this.view.set(peerId, { metadata, away });
    else if (known)
      this.view.set(
        peerId,
        type === 'peer_updated' ? { ...known, metadata } : { ...known, away: type === 'peer_away' },
      );
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }
}
