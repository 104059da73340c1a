/**
 * The negotiation half of an RTCPeerConnection (W3C webrtc-pc sections 4.4 and 4.8), for units: states, implicit rollback,
 * transceivers, ICE credentials. It refuses what a browser refuses. Not part of the package.
 */
import type { VirtualTime } from './testing.ts';

interface FakeTransceiver {
  mid: string | null;
  direction: string;
  readonly receiver: { track: { kind: string } };
  readonly sender: { track: unknown; replaceTrack(track: unknown): Promise<void> };
}

const ufragOf = (sdp: string) => /^a=ice-ufrag:(.+)$/m.exec(sdp)?.[1] ?? '';
const kindsOf = (sdp: string) => [...sdp.matchAll(/^m=(\w+)$/gm)].map((m) => m[1] as string);
let credentials = 0;
const newUfrag = () => `u${++credentials}`;
const setupOf = (sdp: string) => /^a=setup:(\w+)$/m.exec(sdp)?.[1];

/** Where the connections of a test live: its time, its chance, and how long each operation takes. */
export interface FakeWorld {
  readonly time: VirtualTime;
  readonly random: () => number;
  /** Upper bound of the duration of an operation, ms. */
  readonly slowness: number;
  /** Answers `a=setup:active` to every offer, whatever its role was: Firefox. */
  readonly forgetsRole?: boolean;
  /** Knows no BUNDLE: an older gateway. */
  readonly noBundle?: boolean;
  /** Writes descriptions as Firefox does. */
  readonly isFirefox?: boolean;
  /** Stays with the old path when the other side restarts: its transport checks, its states go on saying `connected`. */
  readonly losesRestarts?: boolean;
  /** Called with each remote description; throws to refuse it. */
  readonly refuse?: (description: { type: string; sdp: string }) => void;
}

export class FakePeerConnection {
  signalingState: RTCSignalingState = 'stable';
  connectionState: RTCPeerConnectionState = 'new';
  iceConnectionState: RTCIceConnectionState = 'new';
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  onicecandidate: ((event: { candidate: object | null }) => void) | null = null;
  ontrack: ((event: object) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  oniceconnectionstatechange: (() => void) | null = null;
  readonly candidates: { candidate: string; ufrag: string }[] = [];
  readonly #world: FakeWorld;
  #transceivers: FakeTransceiver[] = [];
  #ufrag = newUfrag();
  #stableLocal: { type: string; sdp: string } | null = null;
  #restart = false;
  #checking = false;
  #bundlePolicy: RTCBundlePolicy;
  readonly #fingerprint = `f${++credentials}`;
  /** DTLS role, once there was an exchange. */
  #role: string | undefined;

  constructor(world: FakeWorld, configuration: RTCConfiguration = {}) {
    this.#world = world;
    this.#bundlePolicy = configuration.bundlePolicy ?? 'balanced';
  }

  createDataChannel(): object {
    return { onmessage: null, readyState: 'connecting' };
  }
  setConfiguration({ bundlePolicy = 'balanced' }: RTCConfiguration): void {
    this.#alive();
    // W3C webrtc-pc section 4.4.1.6.
    if (bundlePolicy !== this.#bundlePolicy) throw refusal('InvalidModificationError', bundlePolicy);
  }
  restartIce(): void {
    this.#restart = true;
  }
  getTransceivers(): FakeTransceiver[] {
    return [...this.#transceivers];
  }
  addTransceiver(kind: string | { kind: string }): FakeTransceiver {
    return this.#add(typeof kind === 'string' ? kind : kind.kind);
  }
  async getStats(): Promise<Map<string, object>> {
    return new Map([
      [
        'T',
        {
          type: 'transport',
          iceState: this.#checking || this.iceConnectionState !== 'connected' ? 'checking' : 'connected',
        },
      ],
    ]);
  }

  async createOffer(): Promise<{ type: 'offer'; sdp: string }> {
    await this.#work();
    if (this.#restart) {
      this.#ufrag = newUfrag();
      this.#restart = false;
    }
    return { type: 'offer', sdp: this.#sdp('actpass') };
  }
  async createAnswer(): Promise<{ type: 'answer'; sdp: string }> {
    await this.#work();
    if (this.signalingState !== 'have-remote-offer') throw refusal('InvalidStateError', this.signalingState);
    return { type: 'answer', sdp: this.#sdp(this.#world.forgetsRole ? 'active' : (this.#role ?? 'active')) };
  }

  async setLocalDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<void> {
    await this.#work();
    const wanted = description.type === 'offer' ? 'stable' : 'have-remote-offer';
    if (this.signalingState !== wanted) throw refusal('InvalidStateError', this.signalingState);
    this.localDescription = description;
    if (description.type === 'answer') this.#role ??= setupOf(description.sdp);
    this.#transceivers.forEach((t, i) => {
      t.mid = String(i);
    });
    this.#enter(description.type === 'offer' ? 'have-local-offer' : 'stable');
    this.#gather(ufragOf(description.sdp));
  }
  async setRemoteDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<void> {
    await this.#work();
    this.#world.refuse?.(description);
    const bundled = /^a=group:BUNDLE /m.test(description.sdp) || kindsOf(description.sdp).length < 2;
    // Chromium's words.
    if (this.#bundlePolicy === 'max-bundle' && !bundled)
      throw refusal('OperationError', 'max-bundle configured but session description has no BUNDLE group');
    if (description.type === 'answer') {
      if (this.signalingState !== 'have-local-offer') throw refusal('InvalidStateError', this.signalingState);
      const role = setupOf(description.sdp) === 'active' ? 'passive' : 'active';
      // Chromium's words for a change of role on a DTLS association that goes on.
      if (this.#role && role !== this.#role)
        throw refusal('OperationError', 'Failed to set SSL role for the transport.');
      this.#role = role;
      this.remoteDescription = description;
      this.#enter('stable');
      return;
    }
    // Implicit rollback; a transceiver that was never negotiated stays, without its mid.
    if (this.signalingState === 'have-local-offer') {
      this.localDescription = this.#stableLocal;
      if (!this.localDescription) for (const t of this.#transceivers) t.mid = null;
    } else if (this.signalingState !== 'stable') throw refusal('InvalidStateError', this.signalingState);
    const changed = ufragOf(this.remoteDescription?.sdp ?? '') !== ufragOf(description.sdp);
    if (this.remoteDescription && changed) {
      this.#ufrag = newUfrag();
      this.#checking = this.#world.losesRestarts === true;
    }
    this.remoteDescription = description;
    this.#enter('have-remote-offer');
    kindsOf(description.sdp).forEach((kind, i) => {
      if (this.#transceivers.some((t) => t.mid === String(i))) return;
      const transceiver = this.#add(kind);
      transceiver.mid = String(i);
      this.ontrack?.({ transceiver, track: transceiver.receiver.track });
    });
  }
  async addIceCandidate({
    candidate,
    usernameFragment,
  }: {
    candidate: string;
    usernameFragment: string;
  }): Promise<void> {
    await this.#work();
    if (!this.remoteDescription) throw refusal('InvalidStateError', 'no remote description');
    if (usernameFragment !== ufragOf(this.remoteDescription.sdp)) throw refusal('OperationError', 'unknown ufrag');
    this.candidates.push({ candidate, ufrag: usernameFragment });
  }

  /** For the test: what ICE and DTLS would report. */
  report(state: 'connected' | 'disconnected' | 'failed'): void {
    this.connectionState = state;
    this.iceConnectionState = state;
    this.onconnectionstatechange?.();
  }

  /** For the test: what ICE alone would report. */
  reportIce(state: 'checking' | 'connected'): void {
    this.connectionState = 'connecting';
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }

  close(): void {
    this.signalingState = 'closed';
    this.connectionState = 'closed';
  }

  #add(kind: string): FakeTransceiver {
    const sender: FakeTransceiver['sender'] = {
      track: null,
      replaceTrack: async (track) => {
        sender.track = track;
      },
    };
    const transceiver = { mid: null, direction: 'sendrecv', receiver: { track: { kind } }, sender };
    this.#transceivers.push(transceiver);
    return transceiver;
  }
  #sdp(setup: string): string {
    return [
      'v=0',
      ...(this.#world.isFirefox ? ['o=mozilla...THIS_IS_SDPARTA-99.0 1 0 IN IP4 0.0.0.0'] : []),
      `a=ice-ufrag:${this.#ufrag}`,
      `a=fingerprint:${this.#fingerprint}`,
      `a=setup:${setup}`,
      ...(this.#world.noBundle ? [] : ['a=group:BUNDLE 0 1 2']),
      ...this.#transceivers.map((t) => `m=${t.receiver.track.kind}`),
    ].join('\n');
  }
  #enter(state: RTCSignalingState): void {
    this.signalingState = state;
    if (state === 'stable') this.#stableLocal = this.localDescription;
  }
  /** Candidates trickle over some time, as long as their credentials are in use. */
  #gather(usernameFragment: string): void {
    for (let i = 0; i < 3; i++)
      this.#world.time.setTimeout(
        () => {
          if (this.signalingState === 'closed' || ufragOf(this.localDescription?.sdp ?? '') !== usernameFragment)
            return;
          const candidate = `candidate:${i} of ${usernameFragment}`;
          this.onicecandidate?.({ candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment } });
        },
        this.#world.random() * this.#world.slowness * 3,
      );
  }
  #alive(): void {
    if (this.signalingState === 'closed') throw refusal('InvalidStateError', 'closed');
  }
  async #work(): Promise<void> {
    this.#alive();
    await new Promise<void>((done) => this.#world.time.setTimeout(done, this.#world.random() * this.#world.slowness));
    this.#alive();
  }
}

/** The constructor that code under test calls as a browser's, for connections in `world`. */
export function fakePeerConnection(world: FakeWorld) {
  return class extends FakePeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(world, configuration);
    }
  };
}

function refusal(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
