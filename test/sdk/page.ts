/** Runs in the browser: the SDK in reach of the tests. Bundled by harness.ts. */
import { Call, type CallOptions, type IceServersAnswer, PrewarmedConnection, SignalingSession } from '@tandem/rtc';
import { Encryption } from '@tandem/rtc/encryption';
import { audio, FrameTimes, Voices } from './moments.ts';

interface Log {
  readonly t: number;
  readonly what: string;
  readonly detail: unknown;
}
interface StartOptions {
  readonly url: string;
  readonly token: string;
  readonly roomId: string;
  readonly name: string;
  /** `canvas`: a cheap picture of 320 × 180 at 6 frames a second, and a tone. */
  readonly media?: 'both' | 'audio' | 'none' | 'canvas';
  /** Of the canvas. Default 6. */
  readonly fps?: number;
  /** As a lobby does: connect the session and make the first connection some time before the call joins. */
  readonly warm?: boolean;
  /** Watches and listens only. */
  readonly audience?: boolean;
  readonly iceServers?: IceServersAnswer;
  readonly relay?: boolean;
  /** Of the room: the call is encrypted end to end. */
  readonly secret?: string;
  /** Said of itself, beside the name. */
  readonly metadata?: Record<string, unknown>;
  readonly times?: CallOptions['times'];
  /** Default 500 ms. */
  readonly statsInterval?: number;
}

/** Nobody is in a lobby for less, ms. */
const LOBBY_MS = 500;

function keepConnections(): RTCPeerConnection[] {
  const kept: RTCPeerConnection[] = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      kept.push(this);
    }
  };
  return kept;
}

/** Firefox never settles getStats of a connection that closes meanwhile, and refuses it afterwards, as much else: nothing then. */
const statsOf = (pc: RTCPeerConnection | undefined) =>
  Promise.race([
    pc?.getStats().catch(() => undefined),
    new Promise<undefined>((done) => setTimeout(() => done(undefined), 5000)),
  ]);

class Harness {
  session: SignalingSession | undefined;
  call: Call | undefined;
  encryption: Encryption | undefined;
  stream: MediaStream | null = null;
  readonly log: Log[] = [];
  /** All that this page made, closed ones too. */
  readonly connections = keepConnections();

  async start(options: StartOptions): Promise<void> {
    const { media = 'both' } = options;
    this.stream =
      media === 'none'
        ? null
        : media === 'canvas'
          ? this.picture(options.fps ?? 6)
          : await navigator.mediaDevices.getUserMedia({
              audio: true,
              video: media === 'both' && { width: 320, height: 240, frameRate: 10 },
            });
    const session = new SignalingSession({ url: options.url, getToken: async () => options.token });
    const { secret, roomId } = options;
    if (secret) {
      const worker = new Worker('/encryption-worker.js', { type: 'module' });
      this.encryption = await Encryption.create({ session, roomId, secret, worker });
    }
    const prewarmed = options.warm ? new PrewarmedConnection() : undefined;
    prewarmed?.prepare();
    const call = new Call({
      session,
      ...(prewarmed ? { prewarmed } : {}),
      ...(this.encryption ? { encryption: this.encryption } : {}),
      roomId: options.roomId,
      stream: this.stream,
      metadata: { ...options.metadata, name: options.name },
      getIceServers: async () => options.iceServers ?? [],
      iceTransportPolicy: options.relay ? 'relay' : 'all',
      statsInterval: options.statsInterval ?? 500,
      audience: options.audience ?? false,
      ...(options.times ? { times: options.times } : {}),
    });
    this.session = session;
    this.call = call;
    const note = (what: string, detail: unknown) => this.log.push({ t: Math.round(performance.now()), what, detail });
    session.on('state', (e) => note('session', e));
    session.on('error', (e) => note('error', e));
    session.on('undelivered', (e) => note('undelivered', e));
    call.on('state', (e) => note('call', e));
    call.on('timing', (e) => note('timing', e));
    session.on('signal', ({ type, peerId, ...body }) => {
      if (type === 'media-state') note('media-state', { peerId, ...body });
    });
    call.on('chat', (e) => note('chat', e));
    call.on('chat-history', (e) => note('chat-history', e));
    call.on('reaction', (e) => note('reaction', e));
    call.on('data', (e) => note('data', e));
    call.on('peer-added', ({ peer }) => {
      note('peer-added', peer.name);
      // Sound that nobody plays is not decoded, and has no energy.
      const element = Object.assign(new Audio(), { srcObject: peer.stream, autoplay: true });
      document.body.append(element);
    });
    call.on('peer-removed', ({ peer, reason }) => note('peer-removed', { name: peer.name, reason }));
    call.on('peer-changed', ({ peer }) => note('peer-changed', { name: peer.name, state: peer.state }));
    if (options.warm) await Promise.all([session.connect(), new Promise((done) => setTimeout(done, LOBBY_MS))]);
    this.joinedAt = performance.now();
    await call.join();
  }
  /** When the last call began to join. */
  joinedAt = 0;

  /** What the tests wait for, as plain data. */
  async view() {
    const peers = await Promise.all(
      (this.call?.peers ?? []).map(async (peer) => {
        const connection = this.call?.connection(peer.peerId);
        const stats = { framesDecoded: 0, audioEnergy: 0, screenFrames: 0, frameHeight: 0, sections: 0 };
        const videos: { mid: string; framesDecoded: number; frameHeight: number }[] = [];
        const report = await statsOf(connection);
        const pc = connection?.signalingState === 'closed' ? undefined : connection;
        report?.forEach((s) => {
          if (s.type !== 'inbound-rtp') return;
          if (s.kind === 'audio') stats.audioEnergy = s.totalAudioEnergy ?? 0;
          else
            videos.push({ mid: String(s.mid), framesDecoded: s.framesDecoded ?? 0, frameHeight: s.frameHeight ?? 0 });
        });
        videos.sort((a, b) => Number(a.mid) - Number(b.mid));
        stats.framesDecoded = videos.find((v) => v.mid === '1')?.framesDecoded ?? 0;
        stats.frameHeight = videos.find((v) => v.mid === '1')?.frameHeight ?? 0;
        stats.screenFrames = videos.find((v) => v.mid === '2')?.framesDecoded ?? 0;
        stats.sections = pc?.getTransceivers().length ?? 0;
        return {
          peerId: peer.peerId,
          name: peer.name,
          state: peer.state,
          away: peer.away,
          metadata: peer.metadata,
          tracks: peer.stream.getTracks().map((t) => t.kind),
          quality: peer.quality,
          caps: Object.fromEntries(
            (pc?.getTransceivers() ?? []).map(({ mid, sender }) => {
              const { maxBitrate, maxFramerate } = sender.getParameters().encodings[0] ?? {};
              return [['audio', 'video', 'screen'][Number(mid)] ?? '', { maxBitrate, maxFramerate }];
            }),
          ),
          restarts: peer.restarts,
          timings: { ...peer.timings },
          iceUfrag: /a=ice-ufrag:(\S+)/.exec(pc?.localDescription?.sdp ?? '')?.[1],
          ...stats,
          trust: this.encryption?.trust(peer.peerId),
        };
      }),
    );
    return {
      state: this.call?.state,
      session: this.session?.state,
      peerId: this.session?.peerId,
      local: this.call?.local,
      safetyNumber: await this.encryption?.safetyNumber(),
      peers,
      log: this.log,
    };
  }

  /**
   * Joins as a peer that knows neither this SDK nor BUNDLE (an older gateway): it answers offers as RFC 3264 has it, each
   * section on a transport of its own, and sends a picture.
   */
  async startGateway(options: Pick<StartOptions, 'url' | 'token' | 'roomId'>): Promise<void> {
    const session = new SignalingSession({ url: options.url, getToken: async () => options.token });
    this.session = session;
    const picture = this.canvasTrack(160, 120);
    let pc: RTCPeerConnection | undefined;
    const alone = (sdp: string) => sdp.replace(/^a=group:BUNDLE.*\r?\n/gm, '').replace(/^a=bundle-only\r?\n/gm, '');
    let queue = Promise.resolve();
    session.on('signal', (signal) => {
      queue = queue.then(async () => {
        if (signal.type === 'offer') {
          pc?.close();
          pc = new RTCPeerConnection({ bundlePolicy: 'max-compat' });
          pc.addTrack(picture, new MediaStream([picture]));
          pc.onicecandidate = ({ candidate }) => {
            if (candidate) void session.sendTo(signal.peerId, 'ice-candidate', { candidate: candidate.toJSON() });
          };
          const { sdp } = signal.sdp as { sdp: string };
          await pc.setRemoteDescription({ type: 'offer', sdp: alone(sdp) });
          await pc.setLocalDescription();
          void session.sendTo(signal.peerId, 'answer', { sdp: alone(pc.localDescription?.sdp ?? '') });
        } else if (signal.type === 'ice-candidate' && signal.candidate)
          await pc?.addIceCandidate(signal.candidate as RTCIceCandidateInit).catch(() => {});
      });
    });
    await session.join(options.roomId, { name: 'Gateway' });
  }

  /** What is shown of each person, whichever way it comes: frames of a video element, its longest gap, and loudness. */
  shown() {
    const now = performance.now();
    return (this.call?.peers ?? []).map((peer) => {
      const watch = this.#watched.get(peer.peerId) ?? this.#watch(peer.peerId, peer.stream);
      return {
        name: peer.name,
        state: peer.state,
        topology: peer.topology,
        audience: peer.audience,
        frames: watch.frames,
        longestGap: Math.round(Math.max(watch.longestGap, watch.frames > 0 ? now - watch.last : 0)),
        height: watch.video.videoHeight,
        aspect: watch.video.videoWidth / Math.max(1, watch.video.videoHeight),
        level: this.call?.audioLevel(peer.peerId) ?? 0,
        timings: { ...peer.timings },
        pair: this.call?.connection(peer.peerId)?.connectionState,
        metadata: peer.metadata,
      };
    });
  }
  /** What every open connection has received, section by section, for the error of a test. */
  async received() {
    const reports = await Promise.all(
      this.connections.map((pc) => (pc.connectionState === 'closed' ? undefined : statsOf(pc))),
    );
    return reports.map((report) => {
      const sections: object[] = [];
      report?.forEach((s) => {
        if (s.type !== 'inbound-rtp') return;
        const { mid, kind, packetsReceived, framesDecoded, keyFramesDecoded, pliCount } = s;
        sections.push({ mid, kind, packetsReceived, framesDecoded, keyFramesDecoded, pliCount });
      });
      return sections;
    });
  }
  /** Frames of that person's shared screen that were shown. */
  screenFrames(name: string): number {
    const peer = this.call?.peers.find((one) => one.name === name);
    if (!peer) return 0;
    const key = `${peer.peerId} screen`;
    return (this.#watched.get(key) ?? this.#watch(key, peer.screen)).frames;
  }
  /** Gaps count from now on. */
  resetGaps(): void {
    for (const watch of this.#watched.values()) watch.longestGap = 0;
  }
  readonly #watched = new Map<
    string,
    { video: HTMLVideoElement; frames: number; last: number; longestGap: number; shown: FrameTimes }
  >();
  /** From now on: when pictures of each person are shown, and when its sound is heard. */
  watchMoments(): void {
    this.#voices ??= new Voices();
  }
  /** @returns what was noted since then, by name, ms since the epoch */
  moments(since: number) {
    return (this.call?.peers ?? []).map(({ peerId, name, stream }) => ({
      name,
      frames: (this.#watched.get(peerId)?.shown.times ?? []).filter((t) => t >= since),
      sounds: this.#voices?.heard(stream, since) ?? [],
    }));
  }
  #voices: Voices | undefined;

  #watch(peerId: string, stream: MediaStream) {
    const video = Object.assign(document.createElement('video'), { srcObject: stream, autoplay: true, muted: true });
    document.body.append(video);
    const watch = { video, frames: 0, last: performance.now(), longestGap: 0, shown: new FrameTimes() };
    const frame: VideoFrameRequestCallback = (_, shown) => {
      if (this.#voices) watch.shown.add(shown);
      const now = performance.now();
      if (watch.frames++ > 0) watch.longestGap = Math.max(watch.longestGap, now - watch.last);
      watch.last = now;
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
    this.#watched.set(peerId, watch);
    return watch;
  }

  /** A cheap picture of 320 × 180 and a tone; the same one each time. */
  picture(fps = 20): MediaStream {
    this.#picture ??= this.#cheapStream(fps);
    return this.#picture;
  }
  #picture: MediaStream | undefined;
  #cheapStream(fps: number): MediaStream {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
    const context = canvas.getContext('2d');
    let n = 0;
    setInterval(() => {
      if (!context) return;
      context.fillStyle = `hsl(${n++ * 17} 80% 50%)`;
      context.fillRect(0, 0, 320, 180);
    }, 1000 / fps);
    const tone = audio().createOscillator();
    const out = audio().createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    return new MediaStream([...canvas.captureStream(fps).getVideoTracks(), ...out.stream.getAudioTracks()]);
  }

  /** A moving picture that is neither the camera nor empty. */
  canvasTrack(width: number, height: number): MediaStreamTrack {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    let n = 0;
    setInterval(() => {
      if (!context) return;
      context.fillStyle = `hsl(${n++ * 7} 80% 50%)`;
      context.fillRect(0, 0, width, height);
    }, 50);
    const [track] = canvas.captureStream(20).getVideoTracks();
    if (!track) throw new Error('no canvas track');
    return track;
  }
}

declare global {
  var harness: Harness;
}
globalThis.harness = new Harness();
