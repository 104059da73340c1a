import { expect, test } from 'vitest';
import { nextOffer, offerFor } from './device-offer.ts';

const device = (kind: MediaDeviceKind, deviceId: string, label: string, groupId = deviceId) =>
  ({ kind, deviceId, label, groupId }) as MediaDeviceInfo;
const builtIn = [
  device('audioinput', 'default', 'Default - Built-in', 'b'),
  device('audioinput', 'mic', 'Built-in', 'b'),
  device('audiooutput', 'out', 'Speakers', 'b'),
  device('videoinput', 'cam', 'FaceTime', 'c'),
];
const headset = [device('audioinput', 'h-in', 'Jabra', 'h'), device('audiooutput', 'h-out', 'Jabra out', 'h')];
const state = (devices: MediaDeviceInfo[], audio = 'live', video = 'live') =>
  ({ devices, audio, video }) as Parameters<typeof offerFor>[0];

test('a headset is one offer for both of its devices, by the name of its microphone', () => {
  const now = state([...builtIn, headset[1] as MediaDeviceInfo, headset[0] as MediaDeviceInfo]);
  const offer = offerFor(state(builtIn), now);
  expect(offer?.label).toBe('Jabra');
  expect(offer?.devices).toEqual([
    { kind: 'audiooutput', deviceId: 'h-out' },
    { kind: 'audioinput', deviceId: 'h-in' },
  ]);
  expect(nextOffer(offer, now, now)).toBe(offer);
  expect(nextOffer(offer, now, state(builtIn))).toBeUndefined();
});

test.each([
  ['nothing new', state(builtIn), state(builtIn)],
  ['something went', state([...builtIn, ...headset]), state(builtIn)],
  ['names came with permission', state([device('audioinput', '', ''), device('videoinput', '', '')]), state(builtIn)],
  ['another alias', state(builtIn), state([...builtIn, device('audioinput', 'communications', 'Jabra', 'h')])],
  ['a camera while mine is off', state(builtIn), state([...builtIn, device('videoinput', 'x', 'Logi')], 'live', 'off')],
  ['a microphone that was missing is taken', state(builtIn, 'failed'), state([...builtIn, ...headset], 'failed')],
  ['no name', state(builtIn), state([...builtIn, device('audioinput', 'y', '')])],
])('no offer: %s', (_why, before, now) => {
  expect(offerFor(before, now)).toBeUndefined();
});

test('a camera is offered alone, while one is on', () => {
  const now = state([...builtIn, device('videoinput', 'x', 'Logi')]);
  expect(offerFor(state(builtIn), now)).toEqual({ label: 'Logi', devices: [{ kind: 'videoinput', deviceId: 'x' }] });
});
