/** For tests of {@link Sfu}: connections that only count. */
import { expect, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import type { SessionEvents } from '../session-types.ts';
import { Sfu, type SfuHost } from './sfu.ts';

/** Takes every description, is connected when a test says so, and decodes frames when a test says so. */
export class FakeConnection {
  static all: FakeConnection[] = [];
  /** As Chromium from version 131 on. */
  static takesSizes = true;
  connectionState = 'new';
  iceConnectionState = 'new';
  signalingState = 'stable';
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  closed = false;
  frames = 0;
  /** Ms since the epoch, as browsers say it (test/firefox-call.test.ts). */
  lastPacket: number | undefined;
  readonly #receivers = ['0', '1'].map((mid) => ({
    mid,
    receiver: {
      getStats: async () =>
        new Map([['in', { type: 'inbound-rtp', framesDecoded: this.frames, packetsReceived: this.frames }]]),
      getSynchronizationSources: () => (this.lastPacket === undefined ? [] : [{ timestamp: this.lastPacket }]),
    },
  }));
  constructor() {
    FakeConnection.all.push(this);
  }
  /** How often all sizes of the camera were to begin with a keyframe. */
  keyframes = 0;
  #camera: RTCRtpEncodingParameters[] = [];
  /** Which sizes of the camera are encoded. */
  active = () => Object.fromEntries(this.#camera.map((one) => [one.rid, one.active ?? true]));
  /** Kinds and tracks, in the order of their sections. */
  readonly sections: unknown[] = [];
  addTransceiver = (track: unknown, init: { sendEncodings: RTCRtpEncodingParameters[] }) => {
    this.sections.push(track);
    let encodings = init.sendEncodings;
    if (!FakeConnection.takesSizes)
      encodings = encodings.map((one) => ({ ...one, scaleResolutionDownTo: undefined }) as RTCRtpEncodingParameters);
    if (encodings.length > 1) this.#camera = encodings;
    type Options = { encodingOptions: { keyFrame: boolean }[] };
    const setParameters = async (parameters: { encodings: RTCRtpEncodingParameters[] }, options: Options) => {
      // As the standard has it, and Chromium: one for each encoding.
      if (options.encodingOptions.length !== encodings.length) throw new Error('InvalidModificationError');
      if (options.encodingOptions.every((one) => one.keyFrame)) this.keyframes++;
      encodings = parameters.encodings;
      if (encodings.length > 1) this.#camera = encodings;
    };
    const getParameters = () => ({ encodings: encodings.map((one) => ({ ...one })) });
    const sender = {
      track: typeof track === 'object' ? track : null,
      replaceTrack: async (next: unknown) => {
        sender.track = next as object | null;
      },
      getParameters,
      setParameters,
    };
    this.#senders.push(sender);
    return { sender, ...init };
  };
  getTransceivers = () => this.#receivers;
  readonly #senders: { track: object | null; replaceTrack(track: unknown): Promise<void> }[] = [];
  getSenders = () => this.#senders;
  createOffer = async () => ({ sdp: 'offer' });
  createAnswer = async () => ({ sdp: 'answer' });
  setLocalDescription = async (description: { sdp: string }) => {
    this.localDescription = description;
    this.signalingState = description.sdp === 'offer' ? 'have-local-offer' : 'stable';
  };
  setRemoteDescription = async () => {
    this.signalingState = 'stable';
  };
  addIceCandidate = async () => {};
  close = () => {
    this.closed = true;
  };
  connect(): void {
    this.connectionState = 'connected';
    this.onconnectionstatechange?.();
  }
}

/** All connections until now, once there are `count` of them. */
export async function made(count: number): Promise<FakeConnection[]> {
  await vi.waitFor(() => expect(FakeConnection.all).toHaveLength(count));
  return FakeConnection.all;
}

/** An Sfu with one person beside me, bob, and what it sends and says. */
export function startSfu(more: Partial<SfuHost> = {}) {
  FakeConnection.all = [];
  const sent: { to: string; type: string; body: { state?: { mode: string } } }[] = [];
  const [shown, served, unserved]: [string[], string[], string[]] = [[], [], []];
  const sfu: Sfu = new Sfu({
    clock: systemClock,
    RTCPeerConnection: FakeConnection as never,
    configuration: () => ({}),
    reachable: () => true,
    track: () => null,
    sendTo: (to, type, body) => sent.push({ to, type, body }),
    peerIds: () => ['bob'],
    sends: () => ['audio', 'video'],
    receiver: ({ peerId, slot }) => sfu.incoming(peerId, slot)?.receiver,
    expects: () => {},
    onTrack: ({ slot }) => shown.push(slot),
    onServed: (peerId) => served.push(peerId),
    onUnserved: (peerId) => unserved.push(peerId),
    onTiming: () => {},
    ...more,
  });
  const hear = (peerId: string, type: string, body: object) =>
    sfu.signal({ type, peerId, ...body } as SessionEvents['signal']);
  const states = (to: string) => sent.filter((s) => s.to === to && s.type === 'media-state').map((s) => s.body.state);
  return { sfu, sent, shown, served, unserved, hear, states };
}
