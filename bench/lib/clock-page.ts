/** Runs inside a page: a clock in a picture, sent by WHIP to a media node and back by WHEP, and beside it through a direct pair. */

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

/** Serialized by Playwright: it uses nothing from outside. */
export async function measureDelays({ origin, room, token, warmUpSeconds, seconds }: ClockOptions): Promise<Delays> {
  const BITS = 16;
  const CHECK = 4;
  const [width, height] = [640, 360];
  const column = width / (BITS + CHECK);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const checkOf = (ms: number) => [0, 4, 8, 12].reduce((sum, shift) => sum ^ (ms >> shift), 0) & 15;
  const draw = () => {
    const ms = Math.round(performance.now()) & 0xffff;
    const word = (ms << CHECK) | checkOf(ms);
    for (let bit = 0; bit < BITS + CHECK; bit++) {
      context.fillStyle = (word >> bit) & 1 ? '#fff' : '#000';
      context.fillRect(bit * column, 0, column, height);
    }
  };
  const track = canvas.captureStream(30).getVideoTracks()[0] as MediaStreamTrack;
  setInterval(draw, 33);

  const post = async (url: string, sdp: string) => {
    const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${token}` };
    const response = await fetch(url, { method: 'POST', headers, body: sdp });
    if (response.status !== 201) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    return await response.text();
  };
  const exchange = async (pc: RTCPeerConnection, url: string) => {
    const offer = await pc.createOffer();
    const answer = await post(url, offer.sdp ?? '');
    await pc.setLocalDescription(offer);
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
  };
  const connected = async (pc: RTCPeerConnection) => {
    while (pc.connectionState !== 'connected') await new Promise((done) => setTimeout(done, 5));
  };

  /** Reads the clock of each frame that arrives. */
  const read = (received: MediaStreamTrack, into: number[], onFirst?: () => void): void => {
    const video = document.body.appendChild(document.createElement('video'));
    video.muted = true;
    video.srcObject = new MediaStream([received]);
    void video.play();
    const small = new OffscreenCanvas(BITS + CHECK, 1);
    const pixels = small.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
    const look: VideoFrameRequestCallback = (_now, { expectedDisplayTime }) => {
      onFirst?.();
      // The middle of each column.
      for (let bit = 0; bit < BITS + CHECK; bit++)
        pixels.drawImage(
          video,
          (bit + 0.25) * (video.videoWidth / (BITS + CHECK)),
          video.videoHeight / 2,
          8,
          8,
          bit,
          0,
          1,
          1,
        );
      const { data } = pixels.getImageData(0, 0, BITS + CHECK, 1);
      let word = 0;
      for (let bit = 0; bit < BITS + CHECK; bit++) if ((data[bit * 4] ?? 0) > 127) word |= 1 << bit;
      const ms = word >> CHECK;
      // A frame that cannot be read says nothing.
      if ((word & 15) === checkOf(ms)) into.push((Math.round(expectedDisplayTime) - ms) & 0xffff);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };

  const [direct, node]: [number[], number[]] = [[], []];
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
  to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
  to.ontrack = ({ track: received }) => read(received, direct);
  from.addTransceiver(track, { direction: 'sendonly' });
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription as RTCSessionDescription);

  const encoder = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  encoder.addTransceiver(track.clone(), { direction: 'sendonly' });
  await exchange(encoder, `${origin}/whip/${room}`);
  await connected(encoder);
  await new Promise((done) => setTimeout(done, warmUpSeconds * 1000));

  const viewer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  viewer.addTransceiver('video', { direction: 'recvonly' });
  const asked = performance.now();
  let firstPicture = 0;
  viewer.ontrack = ({ track: received }) =>
    read(received, node, () => {
      firstPicture ||= performance.now() - asked;
    });
  await exchange(viewer, `${origin}/whep/${room}`);
  await connected(viewer);
  await new Promise((done) => setTimeout(done, warmUpSeconds * 1000));
  direct.length = 0;
  node.length = 0;
  await new Promise((done) => setTimeout(done, seconds * 1000));
  return { direct: [...direct], node: [...node], firstPicture };
}
