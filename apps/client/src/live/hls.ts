/** Plays a room as low-latency HLS, two seconds late: for who cannot watch it by WebRTC. Loaded when it is needed. */
import HlsPlayer, { type HlsConfig } from 'hls.js/light';
import { PictureWatch } from './picture-watch.ts';

export interface HlsOptions {
  readonly video: HTMLVideoElement;
  /** Of the playlist. */
  readonly url: string;
  /** Asked for each playlist. */
  readonly token: () => Promise<string>;
  /** How far behind the stream the picture is, ms; each second. */
  readonly late: (ms: number) => void;
  /** It has ended, or does not go on. */
  readonly over: () => void;
}

/** Between two looks at the picture, ms. */
const LOOK_MS = 1000;
/** A list of which nothing new came for this time stands, s: it has two parts a second. */
const STANDS_S = 2;

/** What this browser can play. */
export const canPlay = (): boolean => HlsPlayer.isSupported();

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
    xhrSetup: async (request, address) => {
      // What it waits for is in the query.
      if (address.replace(/\?.*$/, '') !== url) return;
      const bearer = await token();
      request.open('GET', address, true);
      request.setRequestHeader('authorization', `Bearer ${bearer}`);
    },
  };
  const player = new HlsPlayer(config);
  const watch = new PictureWatch();
  // What has ended, or stands, is watched to its end.
  const goal = () => {
    const list = player.latestLevelDetails;
    return list?.live && list.age < STANDS_S ? player.liveSyncPosition : null;
  };
  const timer = setInterval(() => {
    const next = watch.look(video, goal());
    if (next === 'stalled') over();
    else if (next !== undefined) video.currentTime = next;
    if (Number.isFinite(player.latency) && player.latency > 0) late(player.latency * 1000);
  }, LOOK_MS);
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
