/** The room I want to be in, the one I am in, and who else is there. */
import { type BackoffOptions, fullJitter } from './backoff.ts';
import type { Clock } from './clock.ts';
import { type RoomChange, RoomView } from './room-view.ts';
import type { ServerFrame } from './server-frame.ts';
import { SignalingError } from './session-types.ts';
import type { Frame, PeerInfo, PeerMetadata, RoomMedia } from './wire.ts';

/** What a membership needs of its session. */
export interface MembershipHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly backoff: BackoffOptions | undefined;
  /** False when there is no connection. */
  send(frame: Frame): boolean;
  connected(): boolean;
  /** In the room; called before the changes are reported. `again`: after a lost session. */
  joined(roomId: string, peers: PeerInfo[], again: boolean): void;
  changed(changes: RoomChange[]): void;
  /** Out of the room; called before the changes are reported. `forGood`: by my own wish, or with the session; there are no changes then. */
  left(roomId: string, forGood: boolean): void;
  /** Which media node serves the room has changed. */
  media(media: RoomMedia | undefined): void;
  /** Refused, and no call of `join` waits for the answer. */
  lost(roomId: string, code: string, message: string): void;
}

/** What this SDK says of itself, so that others know that it answers with receipts. */
const CAPABILITIES = { delivery: 1 };
const MAX_JOIN_RETRIES = 8;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: SignalingError) => void;
}

export class Membership {
  readonly #host: MembershipHost;
  readonly #view = new RoomView();
  #want: { roomId: string; retries: number } | undefined;
  #in: string | undefined;
  #again = false;
  #metadata: PeerMetadata = {};
  #metadataSent = '';
  #repeating = false;
  /** Said to leave, not answered yet. */
  #leaving: string | undefined;
  #waiters: Waiter[] = [];
  #media: RoomMedia | undefined;

  constructor(host: MembershipHost) {
    this.#host = host;
  }

  get roomId(): string | undefined {
    return this.#in;
  }
  get peers(): ReadonlyMap<string, PeerInfo> {
    return this.#view.peers;
  }
  get media(): RoomMedia | undefined {
    return this.#media;
  }

  /** Resolves in the room. Without a connection it waits for one. */
  join(roomId: string, metadata?: PeerMetadata): Promise<void> {
    if (metadata) this.#metadata = metadata;
    this.#want = { roomId, retries: 0 };
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (this.#host.connected()) this.#sendJoin();
    return done;
  }

  leave(): void {
    const roomId = this.#in ?? this.#want?.roomId;
    this.#want = undefined;
    this.refuse(new SignalingError('closed', 'You left.'));
    if (roomId && this.#host.connected()) this.#sendLeave(roomId);
    this.#out('left');
  }

  /** The server dropped a frame and did not say which: says again what this room needs. Each is harmless twice. */
  dropped(retryAfter: number): void {
    if (this.#repeating) return;
    this.#repeating = true;
    this.#host.clock.setTimeout(() => {
      this.#repeating = false;
      if (!this.#host.connected()) return;
      if (this.#leaving !== undefined) this.#sendLeave(this.#leaving);
      if (this.#want && !this.#in) this.#sendJoin();
      if (!this.#in) return;
      this.#metadataSent = '';
      this.#sendMetadata();
    }, retryAfter);
  }

  update(metadata: PeerMetadata): void {
    this.#metadata = metadata;
    this.#sendMetadata();
  }

  /** A new session stands: go (back) into the room. */
  enter(): void {
    this.#leaving = undefined;
    if (this.#want) this.#sendJoin();
  }

  /** The session was resumed; the server says where it is. */
  resumed(frame: ServerFrame): void {
    const { roomId } = frame;
    // What was sent over the dead socket may be lost: say it again.
    this.#metadataSent = '';
    if (roomId && roomId === this.#want?.roomId) {
      const first = this.#in === undefined;
      this.#in = roomId;
      const changes = this.#view.list(frame);
      if (first) this.#host.joined(roomId, [...this.peers.values()], false);
      // First, as it decides how new peers are connected.
      this.#setMedia(frame.media);
      this.#entered(changes);
      return;
    }
    this.#out('left');
    this.#leaving = undefined;
    if (roomId) this.#sendLeave(roomId);
    this.enter();
  }

  /** The server does not know the session any more. Was I in a room? */
  sessionLost(): boolean {
    this.#again = this.#in !== undefined;
    return this.#again;
  }

  /** A frame about the room, from the socket that holds the session. */
  receive(frame: ServerFrame, me: string | undefined): void {
    switch (frame.type) {
      case 'joined':
        this.#joined(frame);
        return;
      case 'left':
        this.#leaving = undefined;
        if (this.#in === frame.roomId && this.#want?.roomId !== this.#in) this.#out('left');
        return;
      case 'room':
        if (frame.roomId !== this.#in) return;
        this.#setMedia(frame.media);
        this.#host.changed(this.#view.list(frame));
        return;
      default:
        if (this.#in && frame.peerId !== me) this.#host.changed(this.#view.event(frame));
    }
  }

  refused(code: string, message: string, retryAfter: number | undefined): void {
    const want = this.#want;
    if (!want) return;
    if (code === 'already_joined' && this.#in === want.roomId) return;
    if ((code === 'unavailable' || code === 'rate_limited') && want.retries++ < MAX_JOIN_RETRIES) {
      const { clock, random, backoff } = this.#host;
      clock.setTimeout(
        () => {
          if (this.#want === want && this.#host.connected() && !this.#in) this.#sendJoin();
        },
        fullJitter(want.retries, random, backoff, retryAfter ?? 0),
      );
      return;
    }
    this.#want = undefined;
    const waiting = this.#waiters.length > 0;
    this.refuse(new SignalingError(code, message, retryAfter));
    if (!waiting) this.#host.lost(want.roomId, code, message);
  }

  /** Rejects the joins that wait. */
  refuse(error: SignalingError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** Out for good, or until `enter`. */
  end(reason: string, { forget }: { forget: boolean }): void {
    if (forget) this.#want = undefined;
    this.#out(reason);
  }

  #sendJoin(): void {
    if (!this.#want) return;
    const metadata = this.#fullMetadata();
    this.#metadataSent = JSON.stringify(metadata);
    this.#host.send({ type: 'join', roomId: this.#want.roomId, metadata });
  }

  #sendLeave(roomId: string): void {
    this.#leaving = roomId;
    this.#host.send({ type: 'leave', roomId });
  }

  #fullMetadata(): PeerMetadata {
    return { ...this.#metadata, ...CAPABILITIES };
  }

  #sendMetadata(): void {
    if (!this.#in || !this.#host.connected()) return;
    const metadata = this.#fullMetadata();
    const text = JSON.stringify(metadata);
    if (text !== this.#metadataSent && this.#host.send({ type: 'update', metadata })) this.#metadataSent = text;
  }

  #joined(frame: ServerFrame): void {
    const { roomId = '' } = frame;
    if (roomId !== this.#want?.roomId) {
      // Left while the answer was on its way.
      this.#sendLeave(roomId);
      return;
    }
    this.#leaving = undefined;
    this.#want.retries = 0;
    this.#in = roomId;
    const changes = this.#view.list(frame);
    const again = this.#again;
    this.#again = false;
    this.#host.joined(roomId, [...this.peers.values()], again);
    this.#setMedia(frame.media);
    this.#entered(changes);
  }

  #entered(changes: RoomChange[]): void {
    this.#host.changed(changes);
    this.#sendMetadata();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** Part of the state that `joined`, `resumed` and `room` carry. */
  #setMedia(value: unknown): void {
    const { peerId, epoch, recording } = (value ?? {}) as Partial<RoomMedia>;
    const media = typeof peerId === 'string' && typeof epoch === 'number' ? { peerId, epoch, recording } : undefined;
    if (JSON.stringify(media) === JSON.stringify(this.#media)) return;
    this.#media = media;
    this.#host.media(media);
  }

  /** When I leave, the others have not: they are reported only when I am to come back and see them again. */
  #out(reason: string): void {
    const roomId = this.#in;
    if (roomId === undefined) return;
    const comeBack = this.#want?.roomId === roomId;
    this.#in = undefined;
    const gone = this.#view.clear(reason);
    this.#host.left(roomId, !comeBack);
    if (comeBack) this.#host.changed(gone);
    this.#setMedia(undefined);
  }
}
