/** A receiver in a process of its own, which a test can kill: nothing says goodbye then. */
import type { Candidate } from '../engine.ts';
import { RtpReceiver } from './rtp-peer.ts';

const peer = new RtpReceiver('receiver', process.argv[2] ?? '');
peer.onCandidate = (candidate) => process.send?.({ candidate });
process.on('message', (message: { offer?: string; candidate?: Candidate | null }) => {
  if (message.offer) void peer.answer(message.offer).then((answer) => process.send?.({ answer }));
  if (message.candidate !== undefined) peer.candidate(message.candidate);
});
