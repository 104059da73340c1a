import { expect, test } from 'vitest';
import { BadSdpError, readOffer } from './streams/sdp.ts';
import { readDescription } from './wire.ts';

const OFFER = [
  ...['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=sendonly'],
  ...['a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuv', 'a=fingerprint:sha-256 AA', ''],
].join('\r\n');
const TWO_NAMES = OFFER.replace('a=mid:0', 'a=mid:0\r\na=mid:1');

test('a description whose sections the engine would name otherwise is not taken, of people and of encoders', () => {
  const description = (sdp: string) => readDescription({ sdp: { type: 'offer', sdp, leg: 'up', gen: 1 } });
  expect(description(OFFER)).toMatchObject({ leg: 'up', gen: 1 });
  expect(description(TWO_NAMES)).toBeUndefined();
  expect(readOffer(OFFER, 'sends').credentials.ufrag).toBe('abcd');
  expect(() => readOffer(TWO_NAMES, 'sends')).toThrow(BadSdpError);
});
