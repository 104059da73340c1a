/** One who sends and one who receives, in a process of its own: in another network than the engine's. */
import type { Candidate } from '../engine.ts';
import { RtpReceiver, RtpSender } from './rtp-peer.ts';

/** From the engine's side. */
export interface ToPeers {
  readonly to: 'sender' | 'receiver';
  readonly candidate?: Candidate | null;
  /** To the receiver: an offer. To the sender: the answer to its own. */
  readonly sdp?: string;
}
/** To the engine's side. */
export interface FromPeers {
  readonly from: 'sender' | 'receiver';
  readonly candidate?: Candidate;
  readonly sdp?: string;
  /** That arrived at the receiver, of all its media. */
  readonly packets?: number;
}

const say = (message: FromPeers) => void process.send?.(message);

process.once('message', ({ address }: { address: string }) => {
  const [sender, receiver] = [new RtpSender('sender', address), new RtpReceiver('receiver', address)];
  const answer = Promise.withResolvers<string>();
  sender.onCandidate = (candidate) => say({ from: 'sender', candidate });
  receiver.onCandidate = (candidate) => say({ from: 'receiver', candidate });
  process.on('message', ({ to, candidate, sdp }: ToPeers) => {
    const peer = to === 'sender' ? sender : receiver;
    if (candidate !== undefined) peer.candidate(candidate);
    if (sdp === undefined) return;
    if (to === 'sender') answer.resolve(sdp);
    else void receiver.answer(sdp).then((text) => say({ from: 'receiver', sdp: text }));
  });
  const offer = async (sdp: string) => {
    say({ from: 'sender', sdp });
    return await answer.promise;
  };
  void sender.connect({ offer });
  setInterval(() => say({ from: 'receiver', packets: [...receiver.packets.values()].reduce((a, b) => a + b, 0) }), 50);
});
