/** The other side's candidates: they wait for their description, and those of an older search for a path are dropped. */
import type { WireCandidate } from './wire.ts';

/** Candidates kept for a description that has not come. */
const MAX_QUEUED = 64;

export class RemoteCandidates {
  #queued: WireCandidate[] = [];
  readonly #refused: (error: unknown) => void;

  /** @param refused the browser would not take one; that is no reason to fail */
  constructor(refused: (error: unknown) => void) {
    this.#refused = refused;
  }

  /** @param gen generation of the connection */
  async receive(candidate: WireCandidate, pc: RTCPeerConnection, gen: number): Promise<void> {
    const generation = candidate.gen ?? gen;
    if (generation < gen) return;
    // Too early: its description is on the way (first offer, restart or rebuild).
    const early = generation > gen || !pc.remoteDescription || pc.signalingState === 'have-local-offer';
    if (!early) await this.#add(candidate, pc);
    else if (this.#queued.length < MAX_QUEUED) this.#queued.push(candidate);
  }

  /** A description stands. */
  async flush(pc: RTCPeerConnection, gen: number): Promise<void> {
    const queued = this.#queued;
    this.#queued = [];
    for (const candidate of queued) {
      const generation = candidate.gen ?? gen;
      if (generation === gen) await this.#add(candidate, pc);
      else if (generation > gen) this.#queued.push(candidate);
    }
  }

  async #add({ gen: _gen, ...candidate }: WireCandidate, pc: RTCPeerConnection): Promise<void> {
    const { usernameFragment: ufrag } = candidate;
    // Of an older search for a path, or of an offer that was ignored.
    if (ufrag && !pc.remoteDescription?.sdp.includes(`ice-ufrag:${ufrag}`)) return;
    if (candidate.sdpMid === undefined && candidate.sdpMLineIndex === undefined) candidate.sdpMLineIndex = 0;
    try {
      await pc.addIceCandidate(candidate);
    } catch (error) {
      this.#refused(error);
    }
  }
}
