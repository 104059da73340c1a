import { expect, test } from 'vitest';
import { repeatsSound, withSoundRepeats } from './sound-repeats.ts';

const lines = (...all: string[]) => [...all, ''].join('\r\n');
const head = lines('v=0', 'o=- 1 1 IN IP4 127.0.0.1');
const video = lines('m=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack');

test('M-19 Opus gets its line, once, wherever its map stands; pictures and other sound keep theirs', () => {
  // Firefox has a=fmtp before a=rtpmap.
  const opus = ['m=audio 9 UDP/TLS/RTP/SAVPF 109 9', 'a=fmtp:109 useinbandfec=1', 'a=rtpmap:109 opus/48000/2'];
  const other = 'a=rtpmap:9 G722/8000';
  const before = head + lines(...opus, other) + video;
  const after = head + lines(...opus, 'a=rtcp-fb:109 nack', other) + video;
  expect(withSoundRepeats(before)).toBe(after);
  expect(withSoundRepeats(after)).toBe(after);
  expect([repeatsSound(before), repeatsSound(after)]).toEqual([false, true]);
  const none = head + lines('m=audio 9 UDP/TLS/RTP/SAVPF 9', other) + video;
  expect(withSoundRepeats(none)).toBe(none);
});
