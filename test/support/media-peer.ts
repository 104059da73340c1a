/** Someone who sends to the room's media node and receives all others from it: real signaling, packets without encoders. */
import { networkInterfaces } from 'node:os';
import { expect, vi } from 'vitest';
import type { Candidate } from '../../infra/media-node/src/engine.ts';
import { RtpReceiver, RtpSender } from '../../infra/media-node/src/testing/rtp-peer.ts';
import type { SignalingSession } from '../../packages/rtc/src/index.ts';

const WAIT = { timeout: 30_000, interval: 50 };

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
  const [sender, receiver] = [new RtpSender(name, ownAddress), new RtpReceiver(name, ownAddress)];
  await session.join(room);
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
  try {
    await vi.waitFor(() => expect(session.media).toBeDefined(), WAIT);
  } catch (error) {
    peer.close();
    throw error;
  }
  connect(session, sender, receiver);
  return peer;
}

function connect(session: SignalingSession, sender: RtpSender, receiver: RtpReceiver): void {
  const agent = session.media?.peerId ?? '';
  const trickle = (leg: 'up' | 'down') => (candidate: Candidate) =>
    void session.sendTo(agent, 'ice-candidate', { candidate: { ...candidate, leg, gen: 1 } as never });
  sender.onCandidate = trickle('up');
  receiver.onCandidate = trickle('down');
  const answered = Promise.withResolvers<string>();
  session.on('signal', (signal) => {
    if (signal.peerId !== agent) return;
    const { sdp, candidate } = signal as { sdp?: { sdp: string; n?: number }; candidate?: Candidate & { leg: string } };
    if (signal.type === 'answer' && sdp) answered.resolve(sdp.sdp);
    if (signal.type === 'ice-candidate' && candidate) (candidate.leg === 'up' ? sender : receiver).candidate(candidate);
    if (signal.type === 'offer' && sdp)
      void receiver.answer(sdp.sdp).then((answer) =>
        session.sendTo(agent, 'answer', {
          sdp: { type: 'answer', sdp: answer, leg: 'down', gen: 1, to: sdp.n } as never,
        }),
      );
  });
  void session.sendTo(agent, 'media-want', { want: { gen: 1 } });
  void sender.connect({
    offer: (sdp) => {
      void session.sendTo(agent, 'offer', { sdp: { type: 'offer', sdp, leg: 'up', gen: 1 } as never });
      return answered.promise;
    },
  });
}

/** Packets come now. */
export async function flows(who: MediaPeer): Promise<boolean> {
  const before = who.packets();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return who.packets() > before;
}
