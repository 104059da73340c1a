/**
 * How old the picture is, as far as a viewer can know it: half the round trip to the server, and the time from a frame's first packet until it
 * was decoded. Without what the encoder and its network take: their clock is not ours, and the server writes the sender reports anew.
 */

interface Counted {
  readonly frames: number;
  readonly seconds: number;
}

/** Sums since the connection began. */
function decoded(report: RTCInboundRtpStreamStats): Counted | undefined {
  const { framesDecoded, totalProcessingDelay, jitterBufferDelay, jitterBufferEmittedCount, totalDecodeTime } = report;
  if (!framesDecoded) return undefined;
  if (totalProcessingDelay !== undefined) return { frames: framesDecoded, seconds: totalProcessingDelay };
  if (jitterBufferDelay === undefined || !jitterBufferEmittedCount) return undefined;
  const buffered = (jitterBufferDelay / jitterBufferEmittedCount) * framesDecoded;
  return { frames: framesDecoded, seconds: buffered + (totalDecodeTime ?? 0) };
}

export class DelayEstimate {
  #before: Counted = { frames: 0, seconds: 0 };

  /** Of the frames since the last call. @returns ms; undefined without new frames, or without a measured round trip */
  read(reports: Iterable<RTCStats>): number | undefined {
    const all = [...reports] as (RTCStats & Partial<RTCInboundRtpStreamStats & RTCIceCandidatePairStats>)[];
    const pair = all.find(
      ({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded',
    );
    const video = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
    const now = video && decoded(video as unknown as RTCInboundRtpStreamStats);
    if (!now || pair?.currentRoundTripTime === undefined) return undefined;
    const before = this.#before;
    this.#before = now;
    const frames = now.frames - before.frames;
    if (frames <= 0) return undefined;
    return (pair.currentRoundTripTime / 2 + (now.seconds - before.seconds) / frames) * 1000;
  }
}
