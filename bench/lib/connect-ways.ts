/** From "join" to the first decoded picture of somebody else, three ways in turn: a bare pair without a server, the mesh, a room of a media node. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { SdkBrowser } from '../../test/sdk/harness.ts';

export const WAYS = ['bare', 'mesh', 'sfu'] as const;
export type Way = (typeof WAYS)[number];

/** Frames per second of everybody's picture, as cameras have. Who comes while an encoder runs waits for the next frame. */
const FPS = 30;

/** One trial: ms after the join, by step. */
export type Steps = Readonly<Record<string, number>>;

/** Runs in the page: watches for the first picture of each connection that is made from now on. */
function watchFirstFrame(): void {
  const frame = Promise.withResolvers<number>();
  Object.assign(globalThis, { firstFrame: frame.promise });
  const read = async (track: MediaStreamTrack) => {
    const { MediaStreamTrackProcessor: Processor } = globalThis as unknown as {
      MediaStreamTrackProcessor: new (init: {
        track: MediaStreamTrack;
      }) => { readable: ReadableStream<{ close(): void }> };
    };
    const reader = new Processor({ track: track.clone() }).readable.getReader();
    const { value } = await reader.read();
    frame.resolve(performance.now());
    value?.close();
    await reader.cancel();
  };
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('track', ({ track }) => {
        if (track.kind === 'video') void read(track).catch(() => {});
      });
    }
  };
}

/** Runs in the page: a pair with whoever listens on the channel, as a tutorial has it. @returns ms to the first picture */
async function callBare(fps: number): Promise<Record<string, number>> {
  const stream = globalThis.harness.picture(fps);
  const channel = new BroadcastChannel('bare');
  const began = performance.now();
  const pc = new RTCPeerConnection();
  // Sound is played in all three ways: an element for each person, from before its tracks are there.
  const heard = Object.assign(new Audio(), { srcObject: new MediaStream(), autoplay: true });
  document.body.append(heard);
  pc.ontrack = ({ track }) => heard.srcObject.addTrack(track);
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  pc.onicecandidate = ({ candidate }) =>
    candidate && channel.postMessage({ from: 'guest', candidate: candidate.toJSON() });
  const early: RTCIceCandidateInit[] = [];
  channel.onmessage = async ({ data }) => {
    if (data.from !== 'host') return;
    if (data.answer) {
      await pc.setRemoteDescription(data.answer);
      for (const candidate of early.splice(0)) await pc.addIceCandidate(candidate);
    } else if (pc.remoteDescription) await pc.addIceCandidate(data.candidate);
    else early.push(data.candidate);
  };
  await pc.setLocalDescription();
  channel.postMessage({ from: 'guest', offer: pc.localDescription?.toJSON() });
  const at = await (globalThis as unknown as { firstFrame: Promise<number> }).firstFrame;
  channel.postMessage({ from: 'guest', bye: true });
  channel.close();
  pc.close();
  return { frame: at - began };
}

/** Runs in the page: takes calls, one after the other. */
function answerBare(fps: number): void {
  const stream = globalThis.harness.picture(fps);
  const channel = new BroadcastChannel('bare');
  let pc: RTCPeerConnection | undefined;
  let early: RTCIceCandidateInit[] = [];
  channel.onmessage = async ({ data }) => {
    if (data.from !== 'guest') return;
    if (data.bye) pc?.close();
    else if (data.offer) {
      const own = new RTCPeerConnection();
      pc = own;
      early = [];
      const heard = Object.assign(new Audio(), { srcObject: new MediaStream(), autoplay: true });
      document.body.append(heard);
      own.ontrack = ({ track }) => heard.srcObject.addTrack(track);
      for (const track of stream.getTracks()) own.addTrack(track, stream);
      own.onicecandidate = ({ candidate }) =>
        candidate && channel.postMessage({ from: 'host', candidate: candidate.toJSON() });
      await own.setRemoteDescription(data.offer);
      await own.setLocalDescription();
      channel.postMessage({ from: 'host', answer: own.localDescription?.toJSON() });
      for (const candidate of early.splice(0)) await own.addIceCandidate(candidate);
    } else if (pc?.remoteDescription) await pc.addIceCandidate(data.candidate);
    else early.push(data.candidate);
  };
}

interface Room {
  readonly url: string;
  readonly roomId: string;
  token(name: string): Promise<string>;
}

/** Runs in the page: the socket is open, as after a lobby; then in. @returns ms to the first picture, and the steps on the way */
async function callRoom(options: {
  url: string;
  token: string;
  roomId: string;
  name: string;
  fps: number;
}): Promise<Record<string, number>> {
  const { harness } = globalThis;
  await harness.start({ ...options, media: 'canvas', warm: true });
  const at = await (globalThis as unknown as { firstFrame: Promise<number> }).firstFrame;
  const steps = harness.log.flatMap(({ t, what, detail }) =>
    what === 'timing' ? [[(detail as { name: string }).name, t - harness.joinedAt] as const] : [],
  );
  // The first of each name.
  return { ...Object.fromEntries(steps.reverse()), frame: at - harness.joinedAt };
}

export interface WaysOptions {
  readonly browser: SdkBrowser;
  readonly mesh: Room;
  readonly sfu: Room;
  readonly trials: number;
}

/** The ways in turn, so that what else the machine does meets all alike. */
export async function measureWays({ browser, mesh, sfu, trials }: WaysOptions): Promise<Map<Way, Steps[]>> {
  const enter = async ({ url, roomId, token }: Room, name: string, page: Page) =>
    page.evaluate((o) => globalThis.harness.start({ ...o, media: 'canvas' }), {
      fps: FPS,
      url,
      roomId,
      name,
      token: await token(name),
    });
  // All in one browser context: the channel of the bare pair does not leave it.
  const context = await (await browser.page()).context().browser()?.newContext();
  if (!context) throw new Error('no browser context');
  const open = async () => {
    const page = await context.newPage();
    await page.goto(browser.origin);
    return page;
  };
  await (await open()).evaluate(answerBare, FPS);
  await enter(mesh, 'host', await open());
  await enter(sfu, 'host', await open());
  const results = new Map<Way, Steps[]>(WAYS.map((way) => [way, []]));
  // The first round warms up.
  for (let round = -1; round < trials; round++)
    for (const way of WAYS) {
      const page = await open();
      await page.evaluate(watchFirstFrame);
      // Its media is there before, as after a lobby.
      await page.evaluate((fps) => void globalThis.harness.picture(fps), FPS);
      await sleep(500);
      const room = way === 'mesh' ? mesh : sfu;
      const name = `guest-${way}-${round}`;
      const { url, roomId } = room;
      const steps =
        way === 'bare'
          ? await page.evaluate(callBare, FPS)
          : await page.evaluate(callRoom, { url, roomId, name, fps: FPS, token: await room.token(name) });
      if (round >= 0) results.get(way)?.push(steps);
      await page.evaluate(() => globalThis.harness.call?.leave());
      await page.close();
      await sleep(500);
    }
  return results;
}
