/** Who is served by a media node and when a pair may go, with connections that only count. The real ones: test/media-room.test.ts. */
import { expect, test, vi } from 'vitest';
import { systemClock } from '../clock.ts';
import type { SessionEvents } from '../session-types.ts';
import { Sfu } from './sfu.ts';

/** Takes every description, is connected when a test says so, and decodes frames when a test says so. */
class FakeConnection {
  static all: FakeConnection[] = [];
  connectionState = 'new';
  iceConnectionState = 'new';
  signalingState = 'stable';
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  closed = false;
  frames = 0;
  readonly #receivers = ['0', '1'].map((mid) => ({
    mid,
    receiver: {
      getStats: async () =>
        new Map([['in', { type: 'inbound-rtp', framesDecoded: this.frames, packetsReceived: this.frames }]]),
    },
  }));
  constructor() {
    FakeConnection.all.push(this);
  }
  addTransceiver = (_track: unknown, init: object) => ({ sender: { replaceTrack: async () => {} }, ...init });
  getTransceivers = () => this.#receivers;
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

function start() {
  FakeConnection.all = [];
  const sent: { to: string; type: string; body: { state?: { mode: string } } }[] = [];
  const [shown, served, unserved]: [string[], string[], string[]] = [[], [], []];
  const sfu = new Sfu({
    clock: systemClock,
    RTCPeerConnection: FakeConnection as never,
    configuration: () => ({}),
    track: () => null,
    sendTo: (to, type, body) => sent.push({ to, type, body }),
    peerIds: () => ['bob'],
    sends: () => ['audio', 'video'],
    onTrack: ({ slot }) => shown.push(slot),
    onServed: (peerId) => served.push(peerId),
    onUnserved: (peerId) => unserved.push(peerId),
    onTiming: () => {},
  });
  const hear = (peerId: string, type: string, body: object) =>
    sfu.signal({ type, peerId, ...body } as SessionEvents['signal']);
  const states = (to: string) => sent.filter((s) => s.to === to && s.type === 'media-state').map((s) => s.body.state);
  return { sfu, sent, shown, served, unserved, hear, states };
}
const OFFER = {
  sdp: {
    type: 'offer',
    sdp: 'v=0',
    leg: 'down',
    gen: 1,
    n: 1,
    tracks: [
      { mid: '0', peerId: 'bob', slot: 'audio' },
      { mid: '1', peerId: 'bob', slot: 'video' },
    ],
  },
};

test('a pair may go only when the media is here, mine is there, and both said so', async () => {
  const { sfu, shown, served, hear, states } = start();
  sfu.set({ peerId: 'agent', epoch: 5 });
  const [up, down] = FakeConnection.all;
  up?.connect();
  hear('agent', 'offer', OFFER);
  down?.connect();
  await vi.waitFor(() => expect(down?.signalingState).toBe('stable'));
  // Announced, but nothing decoded: nothing is shown, and nobody hears of it.
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect([shown, states('bob')]).toEqual([[], []]);
  if (down) down.frames = 1;
  await vi.waitFor(() => expect(shown.sort()).toEqual(['audio', 'video']));
  expect(states('bob')).toEqual([{ mode: 'served', epoch: 5 }]);
  expect(served).toEqual([]);
  // Of another epoch it says nothing about this one.
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 4 } });
  expect(served).toEqual([]);
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 5 } });
  expect(served).toEqual(['bob']);
  sfu.close();
  expect(FakeConnection.all.every((pc) => pc.closed)).toBe(true);
});

test('a lower epoch is ignored, and of a higher one the old connections stay until the new ones serve', () => {
  const { sfu } = start();
  sfu.set({ peerId: 'a5', epoch: 5 });
  sfu.set({ peerId: 'a4', epoch: 4 });
  expect([sfu.epoch, FakeConnection.all.length]).toEqual([5, 2]);
  sfu.set({ peerId: 'a6', epoch: 6 });
  expect([sfu.epoch, FakeConnection.all.length]).toEqual([6, 4]);
  expect(FakeConnection.all.map((pc) => pc.closed)).toEqual([false, false, false, false]);
  sfu.close();
});

test('a node that closes, or is gone, leaves pairs behind and is not tried again', () => {
  const { sfu, unserved, hear } = start();
  sfu.set({ peerId: 'a5', epoch: 5 });
  hear('a5', 'media-state', { state: { mode: 'closing', epoch: 5 } });
  expect(unserved).toEqual(['bob']);
  // Its legs go on until the pairs stand.
  expect(FakeConnection.all.map((pc) => pc.closed)).toEqual([false, false]);
  sfu.set({ peerId: 'a5', epoch: 5 });
  expect([sfu.epoch, FakeConnection.all.length]).toEqual([undefined, 2]);
  sfu.set({ peerId: 'a6', epoch: 6 });
  expect(sfu.epoch).toBe(6);
  sfu.set(undefined);
  expect(unserved).toEqual(['bob', 'bob']);
  sfu.close();
});

test('nonsense of a peer or a node changes nothing', () => {
  const { sfu, served, unserved, hear } = start();
  sfu.set({ peerId: 'agent', epoch: 5 });
  for (const state of [undefined, null, 7, 'served', { mode: 'served' }, { mode: 'served', epoch: '5' }, { mode: {} }])
    for (const from of ['agent', 'bob']) hear(from, 'media-state', { state });
  for (const body of [{}, { sdp: null }, { sdp: { leg: 'down' } }, { candidate: null }, { candidate: { leg: 'up' } }])
    for (const type of ['offer', 'answer', 'ice-candidate']) hear('agent', type, body);
  expect([served, unserved, sfu.epoch]).toEqual([[], [], 5]);
  sfu.close();
});
