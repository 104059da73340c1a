/** Who is shown by what when a media node takes over from a pair, with a connection that only counts. */
import { expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';
import type { Member } from './member.ts';
import { ServedMembers, type ServedMembersHost } from './served-members.ts';
import type { SessionEvents } from './session-types.ts';

let packets = 0;
class CountingConnection {
  static all: CountingConnection[] = [];
  connectionState = 'new';
  iceConnectionState = 'new';
  signalingState = 'stable';
  onconnectionstatechange: (() => void) | null = null;
  constructor() {
    CountingConnection.all.push(this);
  }
  addTransceiver = () => ({ sender: { getParameters: () => ({ encodings: [] }) }, direction: 'sendonly' });
  getTransceivers = () =>
    ['audio', 'video'].map((kind, mid) => ({
      mid: `${mid}`,
      receiver: {
        track: `node’s ${kind}`,
        getStats: async () =>
          new Map([['in', { type: 'inbound-rtp', framesDecoded: packets, packetsReceived: packets }]]),
      },
    }));
  createOffer = async () => ({ sdp: 'offer' });
  createAnswer = async () => ({ sdp: 'answer' });
  setLocalDescription = async () => {};
  setRemoteDescription = async () => {};
  close(): void {}
}

/** Bob has a pair, and the node's sound and picture of him have arrived and are shown. */
async function startShown() {
  CountingConnection.all = [];
  const shown: Record<string, unknown> = {};
  const isClosed = { pair: false };
  const member = {
    info: { peerId: 'bob', metadata: { sfu: 1, audio: true, video: true } },
    pair: {
      close: () => (isClosed.pair = true),
      receiver: (slot: string) => ({ track: `pair’s ${slot}` }),
    },
    receiver: () => undefined,
    show: (slot: string, track: unknown, ended = false) => {
      // Nothing here has ended.
      if (ended) return false;
      shown[slot] = track;
      return true;
    },
    timing: () => {},
    changed: () => {},
    changedSoon: () => {},
  };
  const served = new ServedMembers({
    clock: systemClock,
    session: { peerId: 'ada', sendTo: async () => {} },
    setup: { RTCPeerConnection: CountingConnection, known: () => ({}) },
    members: new Map([['bob', member as unknown as Member]]),
    localMedia: { track: () => null },
    audience: false,
    emit: () => {},
    expects: () => {},
    cap: () => {},
    connected: () => {},
  } as unknown as ServedMembersHost);
  const { sfu } = served;
  const hear = (peerId: string, type: string, body: object) =>
    sfu.signal({ type, peerId, ...body } as SessionEvents['signal']);
  sfu.set({ peerId: 'media~1', epoch: 1 });
  // The way down follows the offer of the way up.
  await vi.waitFor(() => expect(CountingConnection.all).toHaveLength(2));
  for (const connection of CountingConnection.all) {
    connection.connectionState = 'connected';
    connection.onconnectionstatechange?.();
  }
  const tracks = ['audio', 'video'].map((slot, mid) => ({ mid: `${mid}`, peerId: 'bob', slot }));
  hear('media~1', 'offer', { sdp: { type: 'offer', sdp: 'down', leg: 'down', gen: 1, tracks } });
  await vi.waitFor(
    () => {
      packets++;
      expect(shown).toEqual({ audio: 'node’s audio', video: 'node’s video' });
    },
    { timeout: 10_000 },
  );
  return { sfu, hear, shown, isClosed };
}

test('when the pair goes, the node’s sound and picture are shown, also where the pair’s came after them', async () => {
  const { sfu, hear, shown, isClosed } = await startShown();
  // The pair's sound was slower than the node's.
  shown.audio = 'pair’s audio';
  hear('bob', 'media-state', { state: { mode: 'served', epoch: 1 } });
  expect(isClosed.pair).toBe(true);
  expect(shown).toEqual({ audio: 'node’s audio', video: 'node’s video' });
  sfu.close();
});

test('when the node goes before it served, the pair’s sound and picture are shown again: the node’s end', async () => {
  const { sfu, shown, isClosed } = await startShown();
  sfu.set(undefined);
  expect(isClosed.pair).toBe(false);
  expect(shown).toEqual({ audio: 'pair’s audio', video: 'pair’s video', screen: 'pair’s screen' });
  sfu.close();
});
