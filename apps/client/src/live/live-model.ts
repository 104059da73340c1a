import { Store } from '@tandem/react';
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import { DelayEstimate } from './delay.ts';
import { findHls, isFull, type LiveHls } from './find-hls.ts';
import { ViewerToken } from './viewer-token.ts';
import { openWhep, WhepError, type WhepSession } from './whep.ts';

/**
 * - `connecting`, `live`: the first picture was shown,
 * - `reconnecting`: it was live, and the connection was lost,
 * - `not-live`, `ended`: there is no stream yet, or no more,
 * - `full`: the server has as many viewers as it takes,
 * - `offline`: this browser has no network; `away`: the service does not answer,
 * - `encrypted`: somebody in the room encrypts from end to end, so it is for the people in it,
 * - `refused`: the room is not for this viewer; asked again only by {@link LiveModel.start}.
 */
export type LiveState =
  | 'connecting'
  | 'live'
  | 'reconnecting'
  | 'not-live'
  | 'ended'
  | 'full'
  | 'offline'
  | 'away'
  | 'encrypted'
  | 'refused';

export interface LiveView {
  readonly state: LiveState;
  readonly stream: MediaStream | undefined;
  /** In place of the stream: its HLS. The element plays it, and says {@link LiveModel.late} and {@link LiveModel.over}. */
  readonly hls: LiveHls | undefined;
  readonly viewers: number | undefined;
  /** From the server to this screen, ms (delay.ts); of HLS how far behind the stream the picture is. */
  readonly delayMs: number | undefined;
}

/** Between two looks at what arrives, ms. */
const LOOK_MS = 1000;
/** After this number of looks in which nothing came the server is asked whether it still sends. */
const SILENT_LOOKS = 3;
/** Between two questions for the number of viewers, ms. An office of 100 viewers stays below the rate limit of its address. */
const VIEWERS_MS = 20_000;
/** After a connection was lost (no goodbye), the encoder has this long to come back before the stream counts as ended, ms. */
const LOST_MS = 15_000;
/** Measure in the page's performance timeline: from asking for settings, token and stream to the first picture. */
const FIRST_PICTURE = 'live-first-picture';
const LONGEST_WAIT_S = 30;

/** Before HLS that ended is asked for again, ms. */
const AGAIN_MS = 2000;

/** `blocked`: no connection came about. */
type End = 'goodbye' | 'lost' | 'blocked';

export class LiveModel {
  readonly view = new Store<LiveView>({
    state: 'connecting',
    stream: undefined,
    hls: undefined,
    viewers: undefined,
    delayMs: undefined,
  });
  #stop = new AbortController();
  /** Of the room that it watches. */
  #token: ViewerToken | undefined;
  #room: string | undefined;
  #wasLive = false;
  #lostAt: number | undefined;
  #failures = 0;
  #playsHls = true;
  /** HLS has ended. */
  #over: () => void = () => {};
  /** When the stream was asked for, and it was there. */
  #askedAt = 0;

  /** Watch the room until {@link stop}; whatever ends is tried again. */
  start(room: string): void {
    this.stop();
    this.#stop = new AbortController();
    if (room !== this.#room) this.#token = undefined;
    this.#room = room;
    this.#wasLive = false;
    this.#lostAt = undefined;
    this.#failures = 0;
    this.view.set({ state: 'connecting', viewers: undefined, delayMs: undefined });
    void this.#run(room, this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
    this.view.set({ stream: undefined, hls: undefined });
  }

  /** HLS: how far behind the stream it is, ms. */
  late(ms: number): void {
    if (this.view.get().hls) this.view.set({ delayMs: ms });
  }

  /** This browser plays no HLS. */
  cannotPlay(): void {
    this.#playsHls = false;
    this.#over();
  }

  /** HLS does not go on. */
  over(): void {
    this.#over();
  }

  /** The element shows what arrives. */
  shown(): void {
    const { stream, hls } = this.view.get();
    if ((stream === undefined && hls === undefined) || this.view.get().state === 'live') return;
    if (!this.#wasLive) performance.measure(FIRST_PICTURE, { start: this.#askedAt, end: performance.now() });
    this.#wasLive = true;
    this.#lostAt = undefined;
    this.view.set({ state: 'live' });
  }

  async #run(room: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#online(signal);
        const end = await this.#show(room, signal);
        if (end === 'lost') this.#lostAt ??= Date.now();
        if (!signal.aborted && this.#wasLive) this.view.set({ state: 'reconnecting' });
      } catch (error) {
        if (signal.aborted) return;
        const { state, wait } = this.#read(error);
        if (state !== undefined) this.view.set({ state });
        if (state === 'refused') return;
        await sleep(wait, signal);
      }
    }
  }

  async #online(signal: AbortSignal): Promise<void> {
    if (navigator.onLine) return;
    this.view.set({ state: 'offline' });
    await new Promise<void>((resolve) => {
      addEventListener('online', () => resolve(), { once: true, signal });
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    signal.throwIfAborted();
    this.view.set({ state: this.#wasLive ? 'reconnecting' : 'connecting' });
  }

  async #open(room: string, signal: AbortSignal): Promise<WhepSession> {
    this.#askedAt = performance.now();
    const config = await loadRuntimeConfig();
    signal.throwIfAborted();
    this.#token ??= new ViewerToken(config, room);
    const token = await this.#token.forSession();
    signal.throwIfAborted();
    const session = await openWhep({
      endpoint: apiUrl(config.signalingUrl, `/whep/${encodeURIComponent(room)}`),
      token,
      renewed: async () => (await this.#token?.forSession()) ?? token,
      iceTransportPolicy: config.iceTransportPolicy,
      signal,
    });
    this.#failures = 0;
    return session;
  }

  /** By WebRTC; where the node is full or nothing connects, by HLS. Settles when it is over. @throws WhepError */
  async #show(room: string, signal: AbortSignal): Promise<End> {
    let hls: LiveHls | undefined;
    try {
      const end = await this.#watch(await this.#open(room, signal), signal);
      if (end === 'blocked') hls = await this.#findHls(room, signal).catch(() => undefined);
      if (!hls) return end;
    } catch (error) {
      hls = isFull(error) ? await this.#findHls(room, signal) : undefined;
      if (!hls) throw error;
    }
    return await this.#watchHls(hls, signal);
  }

  async #findHls(room: string, signal: AbortSignal): Promise<LiveHls | undefined> {
    const token = this.#token;
    return this.#playsHls && token ? await findHls(room, () => token.forRequest(), signal) : undefined;
  }

  async #watchHls(hls: LiveHls, signal: AbortSignal): Promise<End> {
    const over = new Promise<void>((resolve) => {
      this.#over = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.view.set({ hls });
    await over;
    if (!signal.aborted) this.view.set({ hls: undefined, delayMs: undefined });
    // What does not play at once would be begun anew without end.
    await sleep(AGAIN_MS, signal);
    return 'goodbye';
  }

  /** Settles when the session is over. */
  async #watch(session: WhepSession, signal: AbortSignal): Promise<End> {
    const over = Promise.withResolvers<End>();
    const { connection } = session;
    let wasUp = false;
    connection.onconnectionstatechange = () => {
      wasUp ||= connection.connectionState === 'connected';
      if (connection.connectionState === 'failed') over.resolve('lost');
    };
    // DTLS says goodbye.
    for (const { transport } of connection.getReceivers())
      transport?.addEventListener('statechange', () => transport.state === 'closed' && over.resolve('goodbye'));
    signal.addEventListener('abort', () => over.resolve('goodbye'), { once: true });
    const leave = () => session.close();
    addEventListener('pagehide', leave);
    this.view.set({ stream: session.stream });
    const looking = setInterval(watcher(session, this.view, over.resolve), LOOK_MS);
    try {
      const end = await over.promise;
      return end === 'lost' && !wasUp ? 'blocked' : end;
    } finally {
      clearInterval(looking);
      removeEventListener('pagehide', leave);
      session.close();
      if (!signal.aborted) this.view.set({ stream: undefined, viewers: undefined, delayMs: undefined });
    }
  }

  /** What a failed attempt means, and how long to wait, ms. */
  #read(error: unknown): { state: LiveState | undefined; wait: number } {
    this.#failures++;
    const seconds = Math.min(
      (error instanceof WhepError && error.retryAfter) || 2 ** this.#failures / 2,
      LONGEST_WAIT_S,
    );
    // Spread: all viewers lose a stream in the same moment.
    const wait = seconds * 1000 * (0.8 + 0.4 * Math.random());
    return { state: this.#stateOf(error), wait };
  }

  #stateOf(error: unknown): LiveState | undefined {
    if (!navigator.onLine) return 'offline';
    const { status, code } = error instanceof WhepError ? error : { status: 0, code: '' };
    // 404: of a node before 409 was the draft's word for it.
    if (code === 'not_live' || status === 404) {
      if (!this.#wasLive) return 'not-live';
      const isBack = this.#lostAt !== undefined && Date.now() - this.#lostAt < LOST_MS;
      return isBack ? 'reconnecting' : 'ended';
    }
    if (code === 'busy') return 'full';
    if (code === 'encrypted') return 'encrypted';
    // Revoked, or of a key that is gone: a new one may do.
    if (status === 401 && this.#token?.refused() && this.#failures < 3) return undefined;
    if (status >= 400 && status < 500 && status !== 429) return 'refused';
    // A node that ends is replaced within seconds: what was said holds.
    return this.#failures < 5 && status === 503 ? undefined : 'away';
  }
}

/** Looks each second at what arrives. */
function watcher(session: WhepSession, view: Store<LiveView>, over: (end: End) => void): () => Promise<void> {
  const delay = new DelayEstimate();
  let [packets, silent, askedAt] = [0, 0, 0];
  const askViewers = async () => {
    askedAt = Date.now();
    try {
      const viewers = await session.viewers(performance.getEntriesByName(FIRST_PICTURE)[0]?.duration);
      if (session.connection.connectionState !== 'closed') view.set({ viewers });
      // It goes on there, and nothing arrives: the path is gone.
      if (silent >= SILENT_LOOKS && session.connection.connectionState !== 'connected') over('lost');
    } catch (error) {
      if (error instanceof WhepError && error.status === 404) over('goodbye');
      else if (silent >= SILENT_LOOKS) over('lost');
    }
  };
  return async () => {
    const reports = [...(await session.connection.getStats()).values()] as RTCStats[];
    const now = received(reports);
    silent = now > packets ? 0 : silent + 1;
    packets = now;
    const delayMs = delay.read(reports);
    if (delayMs !== undefined && session.connection.connectionState !== 'closed') view.set({ delayMs });
    const isDue = Date.now() - askedAt > VIEWERS_MS;
    if (silent % SILENT_LOOKS === SILENT_LOOKS - 1 || isDue) await askViewers();
  };
}

const received = (reports: readonly RTCStats[]) =>
  reports.reduce(
    (sum, one) => sum + ((one.type === 'inbound-rtp' && (one as RTCInboundRtpStreamStats).packetsReceived) || 0),
    0,
  );

const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
