/**
 * What a WHIP client sends, as a leg of the room's media node: a member of the room in signaling that speaks for the client. The node that
 * has the HTTP session need not be the one that serves the room, and kick, room size, revocation, expiry and the end of the room act on it
 * as on anybody.
 */
import { GiveUpError, type SessionEvents, type SignalingError, SignalingSession } from '@tandem/rtc';
import type { Candidate } from '../engine.ts';
import { isEncrypted } from '../is-encrypted.ts';
import { slotsOf } from '../session-slots.ts';
import { fragmentOf, type IceCredentials, type Offer, withCandidates, withPath } from './sdp.ts';

export interface StreamLegOptions {
  /** Of signaling. */
  readonly url: string;
  readonly room: string;
  /** The client's access token: the session is its bearer's. */
  readonly token: string;
  readonly offer: Offer;
  /** The room has no media node: ask one. */
  readonly callNode: () => Promise<void>;
  /** Over, whatever the reason. Called once. */
  readonly onEnded: (why: string) => void;
  /** What is not answered by the node in this time failed, ms. Default 8000. */
  readonly answerMs?: number;
}

/** Why a stream was not taken. */
export type StreamRefusal =
  /** The room's or the token's: signaling's code says which. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** No media node serves the room, or it does not answer. */
  | { readonly kind: 'no-node' }
  /** The engine does not take all of what is offered (RFC 9725 section 4.4.3: no partly successful answers). */
  | { readonly kind: 'no-media' };

export class StreamRefusedError extends Error {
  override name = 'StreamRefusedError';
  readonly refusal: StreamRefusal;
  constructor(refusal: StreamRefusal) {
    super(refusal.kind === 'refused' ? refusal.message : refusal.kind);
    this.refusal = refusal;
  }
}

/** A room that was not entered in this time is given up, ms. */
const JOIN_MS = 8000;
/** A node that was called enters the room within this time, ms. */
const NODE_MS = 6000;
const ANSWER_MS = 8000;
/** Candidates of the engine come with its answer; without an end of them the answer goes out after this time, ms. */
const CANDIDATES_MS = 500;
/** A client that has not connected in this time is gone, ms. */
const CONNECT_MS = 30_000;
/** The only generation: a new connection of an encoder is a new session. */
const GEN = 1;

export class StreamLeg {
  readonly #options: StreamLegOptions;
  readonly #session: SignalingSession;
  readonly #served = new Set<string>();
  #offer: Offer;
  #agent: string | undefined;
  #epoch = 0;
  #connectTimer: NodeJS.Timeout | undefined;
  #ended: string | undefined;
  #wake: () => void = () => {};
  #offers = 0;
  /** Of the negotiation that is under way. */
  #answer: string | undefined;
  #candidates: Candidate[] = [];
  #hasAll = false;
  #restarted: Promise<unknown> = Promise.resolve();

  private constructor(options: StreamLegOptions) {
    this.#options = options;
    this.#offer = options.offer;
    const { url, token } = options;
    this.#session = new SignalingSession({
      url,
      // The token is the client's: when it runs out there is no other.
      getToken: async ({ refresh }) => {
        if (refresh) throw new GiveUpError('the token ran out');
        return token;
      },
      probe: false,
    });
    const session = this.#session;
    session.on('signal', (signal) => this.#signal(signal));
    session.on('media', () => this.#nodeChanged());
    session.on('peer-joined', ({ peer }) => this.#tellServed(peer.peerId));
    session.on('session-lost', () => this.end('session lost'));
    session.on('room-lost', ({ code }) => this.end(code));
    session.on('kicked', () => this.end('kicked'));
    session.on('state', ({ state, reason }) => {
      if (state === 'closed') this.end(reason ?? 'session closed');
    });
  }

  /** @returns the leg, and the answer with all candidates @throws StreamRefusedError */
  static async open(options: StreamLegOptions): Promise<{ leg: StreamLeg; answer: string }> {
    const leg = new StreamLeg(options);
    try {
      await leg.#join();
      await leg.#findNode();
      const { answer, candidates } = await leg.#negotiate(options.offer);
      leg.#connectTimer = setTimeout(() => leg.end('not connected'), CONNECT_MS);
      return { leg, answer: withCandidates(answer, candidates) };
    } catch (error) {
      leg.end('refused');
      throw error;
    }
  }

  get credentials(): IceCredentials {
    return this.#offer.credentials;
  }

  candidate(candidate: Candidate | null): void {
    const wire = { ...(candidate ?? { candidate: '' }), leg: 'up', gen: GEN };
    if (this.#agent) void this.#session.sendTo(this.#agent, 'ice-candidate', { candidate: wire as never });
  }

  /**
   * One at a time. One that fails changes nothing: the path of before goes on, or ends by itself (RFC 9725 section 4.3.3).
   * @returns the fragment with the engine's new credentials @throws StreamRefusedError
   */
  restart(credentials: IceCredentials): Promise<string> {
    const restarted = this.#restarted.then(async () => {
      const offer = withPath(this.#offer, credentials);
      const { answer, candidates } = await this.#negotiate(offer);
      this.#offer = offer;
      return fragmentOf(answer, candidates);
    });
    this.#restarted = restarted.catch(() => {});
    return restarted;
  }

  end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    clearTimeout(this.#connectTimer);
    this.#session.close();
    this.#wake();
    this.#options.onEnded(why);
  }

  async #join(): Promise<void> {
    const slots = slotsOf(this.#offer.sdp);
    // `sfu`: served by media nodes as the SDK's own; `stream`: by these alone.
    const metadata = {
      audio: slots.has('audio'),
      video: slots.has('video'),
      screen: slots.has('screen'),
      sfu: 1,
      stream: true,
    };
    const timer = setTimeout(() => this.#session.close(), JOIN_MS);
    try {
      await this.#session.join(this.#options.room, metadata);
    } catch (error) {
      const { code = 'closed', message } = error as SignalingError;
      throw new StreamRefusedError({ kind: 'refused', code, message });
    } finally {
      clearTimeout(timer);
    }
    // Those in it would show nothing of it, and the node could read it.
    if (isEncrypted(this.#session.peers))
      throw new StreamRefusedError({ kind: 'refused', code: 'encrypted', message: 'it is encrypted from end to end' });
  }

  async #findNode(): Promise<void> {
    if (!this.#session.media) await this.#options.callNode();
    await this.#until(() => this.#session.media !== undefined, NODE_MS);
    const { media } = this.#session;
    if (!media || this.#ended !== undefined) throw this.#refusal();
    this.#agent = media.peerId;
    this.#epoch = media.epoch;
  }

  async #negotiate({ sdp }: Offer): Promise<{ answer: string; candidates: readonly Candidate[] }> {
    this.#answer = undefined;
    this.#candidates = [];
    this.#hasAll = false;
    const offer = { type: 'offer', sdp, leg: 'up', gen: GEN, n: ++this.#offers };
    void this.#session.sendTo(this.#agent ?? '', 'offer', { sdp: offer as never });
    await this.#until(() => this.#answer !== undefined, this.#options.answerMs ?? ANSWER_MS);
    await this.#until(() => this.#hasAll, CANDIDATES_MS);
    const answer = this.#answer as string | undefined;
    if (answer === undefined || this.#ended !== undefined) throw this.#refusal();
    // A section that the engine takes nothing of has port 0 (RFC 3264 section 6).
    if (slotsOf(answer.replace(/^a=recvonly/gm, 'a=sendrecv')).size < Math.max(1, slotsOf(sdp).size))
      throw new StreamRefusedError({ kind: 'no-media' });
    return { answer, candidates: this.#candidates };
  }

  #refusal(): StreamRefusedError {
    if (this.#ended === undefined) return new StreamRefusedError({ kind: 'no-node' });
    return new StreamRefusedError({ kind: 'refused', code: this.#ended, message: this.#ended });
  }

  /** Settles when it is so, when the stream has ended, or after that time. */
  async #until(isSo: () => boolean, ms: number): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, ms);
    while (!isSo() && !isLate && this.#ended === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    clearTimeout(timer);
  }

  #signal(signal: SessionEvents['signal']): void {
    if (signal.peerId !== this.#agent) return;
    switch (signal.type) {
      case 'answer': {
        const { sdp } = signal as unknown as { sdp?: { sdp?: unknown; leg?: unknown; to?: unknown } };
        if (sdp?.leg !== 'up' || typeof sdp.sdp !== 'string') break;
        // That of a restart that was given up comes late. (An agent of before says no number.)
        if (sdp.to !== undefined && sdp.to !== this.#offers) break;

        this.#answer = sdp.sdp;
        // Its candidates come behind it: those that are there already are of an earlier one.
        this.#candidates = [];
        this.#hasAll = false;
        break;
      }
      case 'ice-candidate': {
        const { candidate } = signal as unknown as { candidate?: Candidate & { leg?: unknown } };
        if (candidate?.leg !== 'up') break;
        if (candidate.candidate) this.#candidates.push(candidate);
        else this.#hasAll = true;
        break;
      }
      case 'media-state':
        this.#agentSays(signal.state);
        break;
      case 'offer':
      case 'media-want':
        break;
      default:
        signal satisfies never;
    }
    this.#wake();
  }

  #agentSays(state: unknown): void {
    const { mode, leg, is } = (state ?? {}) as { mode?: unknown; leg?: unknown; is?: unknown };
    if (mode === 'refused') this.end('forbidden');
    // An encoder cannot be told to make another connection: it sees this one end, and publishes anew.
    if (mode === 'engine-lost' || mode === 'moving' || mode === 'closing') this.end(`node ${mode}`);
    if (mode === 'leg' && leg === 'up' && is === 'lost') this.end('connection lost');
    if (mode !== 'leg' || leg !== 'up' || is !== 'live') return;
    clearTimeout(this.#connectTimer);
    for (const peerId of this.#session.peers.keys()) this.#tellServed(peerId);
  }

  /** Others show what the node forwards of it, and wait for no pair. */
  #tellServed(peerId: string): void {
    if (this.#epoch === 0 || this.#served.has(peerId)) return;
    this.#served.add(peerId);
    void this.#session.sendTo(peerId, 'media-state', { state: { mode: 'served', epoch: this.#epoch } });
  }

  #nodeChanged(): void {
    this.#wake();
    const { media } = this.#session;
    if (this.#agent !== undefined && media?.peerId !== this.#agent) this.end('the room’s node has changed');
  }
}
