/** Bundled into a page: a clock in a picture, sent by WHIP to a media node and back by WHEP or as HLS, and beside it through a direct pair. */

export interface ClockOptions {
  /** Of the media node: `/whip/<room>` and `/whep/<room>` are below it. */
  readonly origin: string;
  readonly room: string;
  readonly token: string;
  /** Not counted at first: connections start slowly. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface Delays {
  /** Of each frame, ms from the drawing of the clock until the frame is on the screen. */
  readonly direct: number[];
  readonly node: number[];
  /** ms from the request of a viewer to its first frame. */
  readonly firstPicture: number;
}

export interface HlsDelays {
  /** Of each frame, as above. */
  readonly hls: number[];
  /** What the player says of it, ms, at the end. */
  readonly said: number;
  /** ms from when the player began, with the packager there, to the first frame. */
  readonly firstPicture: number;
  /** Stops of the picture while it was measured. */
  readonly stalls: number;
  /** Answered requests while it was measured: playlists, and segments or parts. */
  readonly playlists: number;
  readonly media: number;
}

/** apps/client/src/live/hls.ts, a bundle of its own: its types are those of the page. */
declare const livePlayer: {
  playHls(options: {
    readonly video: HTMLVideoElement;
    readonly url: string;
    readonly token: string;
    readonly late: (ms: number) => void;
    readonly over: () => void;
  }): () => void;
};

const BITS = 16;
const CHECK = 4;
const WIDTH = 640;
const HEIGHT = 360;

const checkOf = (ms: number) => [0, 4, 8, 12].reduce((sum, shift) => sum ^ (ms >> shift), 0) & 15;
const pause = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));

/** A picture with the clock of this page as bits, drawn 30 times a second. */
function clockTrack(): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const column = WIDTH / (BITS + CHECK);
  const draw = () => {
    const ms = Math.round(performance.now()) & 0xffff;
    const word = (ms << CHECK) | checkOf(ms);
    for (let bit = 0; bit < BITS + CHECK; bit++) {
      context.fillStyle = (word >> bit) & 1 ? '#fff' : '#000';
      context.fillRect(bit * column, 0, column, HEIGHT);
    }
  };
  setInterval(draw, 33);
  return canvas.captureStream(30).getVideoTracks()[0] as MediaStreamTrack;
}

async function exchange(pc: RTCPeerConnection, url: string, token: string): Promise<void> {
  const offer = await pc.createOffer();
  const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body: offer.sdp ?? '' });
  const sdp = await response.text();
  if (response.status !== 201) throw new Error(`${url}: ${response.status} ${sdp}`);
  await pc.setLocalDescription(offer);
  await pc.setRemoteDescription({ type: 'answer', sdp });
  while (pc.connectionState !== 'connected') await pause(0.005);
}

async function publish(track: MediaStreamTrack, { origin, room, token }: ClockOptions): Promise<void> {
  const encoder = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  encoder.addTransceiver(track, { direction: 'sendonly' });
  await exchange(encoder, `${origin}/whip/${room}`, token);
}

function screen(): HTMLVideoElement {
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  return video;
}

/** Reads the clock of each frame that is shown. */
function readClock(video: HTMLVideoElement, into: number[], onFirst?: () => void): void {
  const small = new OffscreenCanvas(BITS + CHECK, 1);
  const pixels = small.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  const look: VideoFrameRequestCallback = (_now, { expectedDisplayTime }) => {
    onFirst?.();
    // The middle of each column.
    for (let bit = 0; bit < BITS + CHECK; bit++) {
      const x = (bit + 0.25) * (video.videoWidth / (BITS + CHECK));
      pixels.drawImage(video, x, video.videoHeight / 2, 8, 8, bit, 0, 1, 1);
    }
    const { data } = pixels.getImageData(0, 0, BITS + CHECK, 1);
    let word = 0;
    for (let bit = 0; bit < BITS + CHECK; bit++) if ((data[bit * 4] ?? 0) > 127) word |= 1 << bit;
    const ms = word >> CHECK;
    // A frame that cannot be read says nothing.
    if ((word & 15) === checkOf(ms)) into.push((Math.round(expectedDisplayTime) - ms) & 0xffff);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}

function show(received: MediaStreamTrack, into: number[], onFirst?: () => void): void {
  const video = screen();
  video.srcObject = new MediaStream([received]);
  void video.play();
  readClock(video, into, onFirst);
}

export async function measureDelays(options: ClockOptions): Promise<Delays> {
  const { origin, room, token, warmUpSeconds, seconds } = options;
  const track = clockTrack();
  const [direct, node]: [number[], number[]] = [[], []];
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
  to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
  to.ontrack = ({ track: received }) => show(received, direct);
  from.addTransceiver(track, { direction: 'sendonly' });
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription as RTCSessionDescription);
  await publish(track.clone(), options);
  await pause(warmUpSeconds);

  const viewer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  viewer.addTransceiver('video', { direction: 'recvonly' });
  const asked = performance.now();
  let firstPicture = 0;
  viewer.ontrack = ({ track: received }) =>
    show(received, node, () => {
      firstPicture ||= performance.now() - asked;
    });
  await exchange(viewer, `${origin}/whep/${room}`, token);
  await pause(warmUpSeconds);
  direct.length = 0;
  node.length = 0;
  await pause(seconds);
  return { direct: [...direct], node: [...node], firstPicture };
}

/** The player of the live page. */
export async function measureHls(options: ClockOptions): Promise<HlsDelays> {
  const { origin, room, token, warmUpSeconds, seconds } = options;
  await publish(clockTrack(), options);
  const url = `${origin}/whep/${room}/hls/live.m3u8`;
  const asked = performance.now();
  const headers = { authorization: `Bearer ${token}` };
  for (let status = 0; status !== 200; await pause(0.1)) {
    status = (await fetch(url, { headers, cache: 'no-store' })).status;
    if (performance.now() - asked > 30_000) throw new Error(`no playlist came: ${status}`);
  }
  // Most viewers come when the playlist has its length: the first one finds a single segment.
  for (let i = 0; i < 8; i++, await pause(1)) await fetch(url, { headers, cache: 'no-store' });
  const begun = performance.now();
  const [video, hls]: [HTMLVideoElement, number[]] = [screen(), []];
  let [said, firstPicture, stalls] = [0, 0, 0];
  video.addEventListener('waiting', () => stalls++);
  readClock(video, hls, () => {
    firstPicture ||= performance.now() - begun;
  });
  const late = (ms: number) => {
    said = ms;
  };
  livePlayer.playHls({ video, url, token, late, over: () => console.error('the player has ended') });
  await video.play();
  await pause(warmUpSeconds);
  [hls.length, stalls] = [0, 0];
  performance.clearResourceTimings();
  performance.setResourceTimingBufferSize(10_000);
  await pause(seconds);
  const names = performance.getEntriesByType('resource').map(({ name }) => name);
  const [playlists, media] = [/\.m3u8/, /\.m4s/].map((form) => names.filter((name) => form.test(name)).length);
  return { hls: [...hls], said, firstPicture, stalls, playlists: playlists ?? 0, media: media ?? 0 };
}
