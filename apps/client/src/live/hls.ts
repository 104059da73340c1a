/** Plays a room as low-latency HLS, two seconds late: for who cannot watch it by WebRTC. Loaded when it is needed. */
import HlsPlayer, { type HlsConfig } from 'hls.js/light';

export interface HlsOptions {
  readonly video: HTMLVideoElement;
  /** Of the playlist. */
  readonly url: string;
  readonly token: string;
  /** How far behind the stream the picture is, ms; each second. */
  readonly late: (ms: number) => void;
  /** It has ended, or does not go on. */
  readonly over: () => void;
}

/** Without a picture that moves for this time it does not go on, ms. */
const STALLED_MS = 15_000;

/**
 * Who is further behind than this jumps, s. hls.js takes them for viewers who chose to be late and does not catch up
 * (from two and a half of our segments behind its target on); its own limit would jump at each stall.
 */
const TOO_LATE_S = 4;
/** Who jumps has played for this time without a stall, ms. Twice as long for each next jump: a picture that stands is worse than a late one. */
const CALM_MS = 10_000;

/** What this browser can play. */
export const canPlay = (): boolean => HlsPlayer.isSupported();

const endOf = (buffered: TimeRanges): number => (buffered.length === 0 ? 0 : buffered.end(buffered.length - 1));

/** @returns ends it */
export function playHls({ video, url, token, late, over }: HlsOptions): () => void {
  const config: Partial<HlsConfig> = {
    // A worker would be made of a blob, which the page's policy refuses.
    enableWorker: false,
    // Parts of segments, and a playlist that is answered when the next part is there.
    lowLatencyMode: true,
    // Who fell behind catches up, a little faster than live.
    maxLiveSyncPlaybackRate: 1.1,
    backBufferLength: 10,
    // Segments are found by their names alone.
    xhrSetup: (request, address) => {
      // What it waits for is in the query.
      if (address.replace(/\?.*$/, '') === url) request.setRequestHeader('authorization', `Bearer ${token}`);
    },
  };
  const player = new HlsPlayer(config);
  let [at, movedAt] = [0, Date.now()];
  let [calmMs, calmSince] = [CALM_MS, Date.now()];
  const catchUp = () => {
    const { liveSyncPosition, latency } = player;
    if (latency < TOO_LATE_S || liveSyncPosition === null || Date.now() - calmSince < calmMs) return;
    if (liveSyncPosition > endOf(video.buffered)) return;
    video.currentTime = liveSyncPosition;
    [calmMs, calmSince] = [2 * calmMs, Date.now()];
  };
  const timer = setInterval(() => {
    if (video.currentTime === at) {
      calmSince = Date.now();
      if (calmSince - movedAt > STALLED_MS) over();
    } else {
      [at, movedAt] = [video.currentTime, Date.now()];
      catchUp();
    }
    if (Number.isFinite(player.latency) && player.latency > 0) late(player.latency * 1000);
  }, 1000);
  player.on(HlsPlayer.Events.ERROR, (_event, { fatal }) => {
    if (fatal) over();
  });
  video.addEventListener('ended', over);
  player.loadSource(url);
  player.attachMedia(video);
  return () => {
    clearInterval(timer);
    video.removeEventListener('ended', over);
    player.destroy();
  };
}
