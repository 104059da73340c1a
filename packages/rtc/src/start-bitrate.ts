/**
 * Where a new leg's bandwidth estimate begins. Chromium and Safari begin with 300 kbit/s, too little for the picture they are given:
 * they drop its first frames (libwebrtc's initial frame dropper, below 500 kbit/s for more than 640 × 480) and pace the first
 * whole picture out slowly. The remote description may say better; other browsers do not read it.
 */
import { cameraCap } from './bitrate-caps.ts';

/**
 * What the estimate may begin with at the most, bit/s: enough for every first frame, and no later first picture with an upload of
 * 500 kbit/s (`npm run bench -- connect --rtt 40 --kbit 500`: 386 ms, with 300 381 ms, with 1,000 421 ms).
 */
const MAX_START_BITRATE = 700_000;

/** Bit/s, for as many people as there are: what the camera may send, within {@link MAX_START_BITRATE}. */
export function startBitrate(people: number): number {
  return Math.min(MAX_START_BITRATE, cameraCap(people).maxBitrate);
}

/** The remote description `sdp`, saying for each video codec where its sender's estimate begins. */
export function withStartBitrate(sdp: string, bitsPerSecond: number): string {
  const parameter = `x-google-start-bitrate=${Math.round(bitsPerSecond / 1000)}`;
  const codec = /^a=rtpmap:(\d+) (?:VP8|VP9|H264|H265|AV1)\/90000\r?\n(?:a=rtcp-fb:\1 .*\r?\n)*/gm;
  const types = new Set(Array.from(sdp.matchAll(codec), ([, type]) => type));
  const said = new Set<string>();
  // One a=fmtp line a codec, wherever it is (Firefox has them before a=rtpmap): browsers read the first one only.
  return sdp
    .replace(/^a=fmtp:(\d+) .*/gm, (line, type: string) => {
      if (!types.has(type)) return line;
      said.add(type);
      return `${line};${parameter}`;
    })
    .replace(codec, (lines, type: string) => (said.has(type) ? lines : `${lines}a=fmtp:${type} ${parameter}\r\n`));
}
