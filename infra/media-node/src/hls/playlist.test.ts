import { expect, test } from 'vitest';
import { isMediaFile, viewersPlaylist } from './playlist.ts';

test('W-13 viewers get the playlist with the folder in each name, and no other file than its segments', () => {
  const playlist = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:1
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4"
#EXTINF:1.000000,
#EXT-X-PROGRAM-DATE-TIME:2026-11-29T04:28:26.123+0000
7.m4s
#EXTINF:1.000000,
8.m4s
#EXT-X-ENDLIST
`;
  const expected = playlist
    .replace('init.mp4', 'ID/init.mp4')
    .replace('7.m4s', 'ID/7.m4s')
    .replace('8.m4s', 'ID/8.m4s');
  expect(viewersPlaylist(playlist, 'ID')).toBe(expected);
  const files = ['init.mp4', '7.m4s', 'in.sdp', 'live.m3u8', '7.m4s.tmp', '../7.m4s', '-7.m4s', '7.m4s\n', ''];
  expect(files.filter(isMediaFile)).toEqual(['init.mp4', '7.m4s']);
});

test('W-13 a packager that somebody broke into names no address to viewers', () => {
  const hostile = [
    '#EXTM3U',
    'https://elsewhere.example/7.m4s',
    '../other/7.m4s',
    '#EXT-X-MAP:URI="https://elsewhere.example/init.mp4"',
    '#EXT-X-KEY:METHOD=AES-128,URI="https://elsewhere.example/key"',
    '#EXTINF:1.000000,https://elsewhere.example',
    '#EXT-X-DATERANGE:ID="a",X-URI="https://elsewhere.example"',
    '7.m4s\rhttps://elsewhere.example',
    '#EXTINF:1.000000,',
    '7.m4s',
  ];
  expect(viewersPlaylist(hostile.join('\n'), 'ID')).toBe('#EXTM3U\n#EXTINF:1.000000,\nID/7.m4s\n');
});
