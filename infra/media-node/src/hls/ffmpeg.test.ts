import { expect, test } from 'vitest';
import { forwardPorts, isMediaFile, namedBelow, sessionDescription } from './ffmpeg.ts';

test('W-13 viewers get the playlist with the folder in each name, and no other file than its segments', () => {
  const playlist = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:1.000000,\n7.m4s\n#EXTINF:1.000000,\n8.m4s\n';
  expect(namedBelow(playlist, 'ID')).toBe(
    '#EXTM3U\n#EXT-X-MAP:URI="ID/init.mp4"\n#EXTINF:1.000000,\nID/7.m4s\n#EXTINF:1.000000,\nID/8.m4s\n',
  );
  const files = ['init.mp4', '7.m4s', 'in.sdp', 'live.m3u8', '7.m4s.tmp', '../7.m4s', '-7.m4s', '7.m4s\n', ''];
  expect(files.filter(isMediaFile)).toEqual(['init.mp4', '7.m4s']);
});

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
