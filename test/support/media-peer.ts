/** Someone who sends to the room's media node and receives all others from it: real signaling, packets without encoders. */
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Candidate } from '../../infra/media-node/src/engine.ts';
import { RtpReceiver, RtpSender } from '../../infra/media-node/src/testing/rtp-peer.ts';
import type { SignalingSession } from '../../packages/rtc/src/index.ts';

/** A room has its media node by then, ms. */
const NODE_MS = 30_000;

/** libnice gathers nothing on loopback, and then offers every interface: tests use the machine's own address. */
export const ownAddress =
  Object.values(networkInterfaces())
    .flat()
    .find((i) => i?.family === 'IPv4' && !i.internal)?.address ?? '';

export interface MediaPeer {
  readonly session: SignalingSession;
  readonly receiver: RtpReceiver;
  /** All that arrived, of all tracks. */
  packets(): number;
  close(): void;
}

/** Joins, and waits for the room's media node. @param session of one user, not connected yet */
export async function joinMedia(session: SignalingSession, room: string, name: string): Promise<MediaPeer> {
  await session.join(room);
  return await connectMedia(session, room, name);
}

/** Waits for the media node of the room that the session is in. */
export async function connectMedia(session: SignalingSession, room: string, name: string): Promise<MediaPeer> {
  const [sender, receiver] = [new RtpSender(name, ownAddress), new RtpReceiver(name, ownAddress)];
  const peer: MediaPeer = {
    session,
    receiver,
    packets: () => [...receiver.packets.values()].reduce((sum, n) => sum + n, 0),
    close: () => {
      session.close();
      sender.close();
      receiver.close();
    },
  };
  const deadline = performance.now() + NODE_MS;
  while (!session.media && performance.now() < deadline) await sleep(20);
  if (!session.media) {
    peer.close();
    throw new Error(`no media node came into the room ${room}`);
  }
  connect(session, sender, receiver);
  return peer;
}

function connect(session: SignalingSession, sender: RtpSender, receiver: RtpReceiver): void {
  receiveFromNode(session, receiver);
  sendToNode(session, sender);
}

/** What the room's media node says of one leg. */
function onLeg(session: SignalingSession, leg: 'up' | 'down', hear: (type: string, sdp: Sdp) => void, peer: Trickled) {
  const agent = session.media?.peerId ?? '';
  peer.onCandidate = (candidate) =>
    void session.sendTo(agent, 'ice-candidate', { candidate: { ...candidate, leg, gen: 1 } as never });
  session.on('signal', (signal) => {
    if (signal.peerId !== agent) return;
    const { sdp, candidate } = signal as { sdp?: Sdp; candidate?: Candidate & { leg: string } };
    if (signal.type === 'ice-candidate' && candidate?.leg === leg) peer.candidate(candidate);
    if (sdp?.leg === leg) hear(signal.type, sdp);
  });
}
interface Sdp {
  readonly sdp: string;
  readonly leg: string;
  readonly n?: number;
}
interface Trickled {
  onCandidate: (candidate: Candidate) => void;
  candidate(candidate: Candidate): void;
}

/** Opens the up leg. The session has joined, and the room has its media node. */
export function sendToNode(session: SignalingSession, sender: RtpSender): void {
  const answered = Promise.withResolvers<string>();
  onLeg(session, 'up', (type, { sdp }) => type === 'answer' && answered.resolve(sdp), sender);
  void sender.connect({
    offer: (sdp) => {
      const offer = { type: 'offer', sdp, leg: 'up', gen: 1 };
      void session.sendTo(session.media?.peerId ?? '', 'offer', { sdp: offer as never });
      return answered.promise;
    },
  });
}

/** Opens the down leg. @param wishes layers of cameras; default: all as large as they come */
export function receiveFromNode(session: SignalingSession, receiver: RtpReceiver, wishes: object = {}): void {
  const agent = session.media?.peerId ?? '';
  const answer = async ({ sdp, n }: Sdp) => {
    const answer = { type: 'answer', sdp: await receiver.answer(sdp), leg: 'down', gen: 1, to: n };
    await session.sendTo(agent, 'answer', { sdp: answer as never });
  };
  onLeg(session, 'down', (type, sdp) => type === 'offer' && void answer(sdp), receiver);
  wish(session, wishes);
}

/** Replaces what is received. */
export function wish(session: SignalingSession, wishes: object): void {
  void session.sendTo(session.media?.peerId ?? '', 'media-want', { want: { ...wishes, gen: 1 } });
}

/** Packets come now. */
export async function flows(who: MediaPeer): Promise<boolean> {
  const before = who.packets();
  await sleep(200);
  return who.packets() > before;
}
