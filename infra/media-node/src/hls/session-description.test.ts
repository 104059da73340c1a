import { expect, test } from 'vitest';
import { forwardPorts, sessionDescription } from './session-description.ts';

test('what is not sent is in no session description; ports are even, and none is given twice', async () => {
  const ports = await forwardPorts();
  expect([ports.audio % 2, ports.video % 2]).toEqual([0, 0]);
  expect(ports.audio).not.toBe(ports.video);
  const sdp = sessionDescription({ hasAudio: false, videoCodec: 'h264' }, ports);
  expect(sdp).toContain(
    `m=video ${ports.video} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1`,
  );
  expect(sdp).not.toContain('m=audio');
});
