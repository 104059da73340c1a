import { expect, test } from 'vitest';
import { DelayEstimate } from './delay.ts';
import { iceServersOf } from './whep.ts';

const pair = (seconds: number) => ({
  type: 'candidate-pair',
  nominated: true,
  state: 'succeeded',
  currentRoundTripTime: seconds,
});
const video = (more: object) => ({ type: 'inbound-rtp', kind: 'video', ...more });
const reports = (...all: object[]) => all as RTCStats[];

test('half the round trip and the time of the frames since the last look', () => {
  const delay = new DelayEstimate();
  const first = reports(pair(0.04), video({ framesDecoded: 10, totalProcessingDelay: 1 }));
  expect(delay.read(first)).toBeCloseTo(20 + 100);
  expect(delay.read(first)).toBeUndefined();
  expect(delay.read(reports(pair(0.04), video({ framesDecoded: 20, totalProcessingDelay: 1.3 })))).toBeCloseTo(20 + 30);
});

test('a browser without totalProcessingDelay says the wait and the decoding apart', () => {
  const frames = { framesDecoded: 10, jitterBufferDelay: 0.4, jitterBufferEmittedCount: 10, totalDecodeTime: 0.1 };
  expect(new DelayEstimate().read(reports(pair(0.02), video(frames)))).toBeCloseTo(10 + 50);
});

test('nothing is said of what was not measured', () => {
  const delay = new DelayEstimate();
  expect(delay.read(reports(pair(0.02)))).toBeUndefined();
  expect(delay.read(reports(video({ framesDecoded: 10, totalProcessingDelay: 1 })))).toBeUndefined();
  expect(delay.read(reports(pair(0.02), video({ framesDecoded: 0 })))).toBeUndefined();
});

test('ICE servers of a Link header; what is none is left out', () => {
  const turn =
    '<turn:a.example:3478?transport=udp>; rel="ice-server"; username="1:ada"; credential="p,w"; credential-type="password"';
  expect(iceServersOf(`<stun:a.example:3478>; rel="ice-server", ${turn}, <https://x.example/>; rel="next"`)).toEqual([
    { urls: 'stun:a.example:3478' },
    { urls: 'turn:a.example:3478?transport=udp', username: '1:ada', credential: 'p,w' },
  ]);
  expect(iceServersOf('')).toEqual([]);
});
