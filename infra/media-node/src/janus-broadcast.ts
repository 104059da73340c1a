/**
 * One publisher of a room for viewers that offer (WHEP): VideoRoom never answers the offer of somebody who receives, so what it has is passed on
 * to a mountpoint of the Streaming plugin, over loopback. It is there while anybody views.
 */
import { randomUUID } from 'node:crypto';
import { EngineError, type ViewerEvents, type ViewerLeg } from './engine.ts';
import type { JanusClient, JanusHandle } from './janus-client.ts';
import { type RtpForward, startRtpForward, stopRtpForward } from './janus-rtp-forward.ts';
import type { Feed } from './janus-subscriber.ts';
import { JanusViewer } from './janus-viewer.ts';

const STREAMING = 'janus.plugin.streaming';
const LOOPBACK = '127.0.0.1';
/** What every browser and encoder that has H.264 takes (RFC 7742 section 6.2). */
const H264 = 'profile-level-id=42e01f;packetization-mode=1';

export interface JanusBroadcastHost {
  readonly room: string;
  readonly client: JanusClient;
  readonly feed: Feed;
  /** What its viewers offer first. */
  readonly first: FirstKind;
  /** Of VideoRoom. */
  readonly control: JanusHandle;
  /** The last viewer is gone. */
  ended(): void;
}

/** A port of the mountpoint, as Streaming says it. */
interface Port {
  readonly mid: string;
  readonly port: number;
  /** Of the larger sizes. */
  readonly port_2?: number;
  readonly port_3?: number;
  readonly rtcp_port?: number;
}

/**
 * Streaming takes a viewer's request for a keyframe for one of the stream that has, in the mountpoint, the place which the picture has in the viewer's
 * offer (janus_streaming_incoming_rtcp, `mindex`); in another place it is lost. So each order of offers has a mountpoint of its own.
 */
export type FirstKind = 'audio' | 'video';

/** @returns `video` for an offer whose first section is the picture; others are taken to have it second */
export const firstKind = (sdp: string): FirstKind => (/^m=(\w+)/m.exec(sdp)?.[1] === 'video' ? 'video' : 'audio');

/** How often what viewers lost is read, ms: as the page reads what comes to it. */
const READ_MS = 2000;

export class JanusBroadcast {
  readonly #host: JanusBroadcastHost;
  readonly #viewers = new Set<JanusViewer>();
  /** Name of the mountpoint, used once: who comes while the one before is being removed gets another. */
  readonly #id: string;
  #handle: JanusHandle | undefined;
  #opened: Promise<void> | undefined;
  #isOver = false;
  #streams: readonly number[] = [];
  #reading: NodeJS.Timeout | undefined;

  constructor(host: JanusBroadcastHost) {
    this.#host = host;
    this.#id = `${host.room} ${host.feed.id} ${randomUUID()}`;
  }

  get feed(): string {
    return this.#host.feed.id;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** @throws EngineError */
  async watch(sdp: string, events: ViewerEvents): Promise<ViewerLeg & { readonly answer: string }> {
    const viewer = new JanusViewer(events, () => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) void this.close();
    });
    this.#viewers.add(viewer);
    try {
      this.#opened ??= this.#open();
      await this.#opened;
      if (this.#isOver) throw new EngineError('gone', 'the publisher has ended');
      const camera = this.#host.feed.hasLayers ? this.#host.feed.mids.get('video') : undefined;
      const answer = await viewer.open(this.#host.client, { mountpoint: this.#id, camera }, sdp);
      return Object.assign(viewer, { answer });
    } catch (error) {
      await viewer.close();
      throw error;
    }
  }

  /** The publisher has ended, or the last viewer has gone. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#reading);
    this.#host.ended();
    for (const viewer of this.#viewers) viewer.lost('the publisher has ended');
    await this.#opened?.catch(() => {});
    await stopRtpForward(this.#forward, this.#streams);
    await this.#handle?.message({ request: 'destroy', id: this.#id }).catch(() => {});
    await this.#handle?.detach();
  }

  /** The process is gone. */
  lost(): void {
    this.#isOver = true;
    clearInterval(this.#reading);
    for (const viewer of this.#viewers) viewer.lost('engine ended');
  }

  get #forward(): RtpForward {
    const { control, room, feed } = this.#host;
    return { control, room, publisher: feed.id };
  }

  async #open(): Promise<void> {
    const { client, feed, first } = this.#host;
    this.#handle = await client.attach(STREAMING, { onFrame: () => {}, onPlugin: () => {} });
    const { data } = await this.#handle.message({
      request: 'create',
      type: 'rtp',
      id: this.#id,
      is_private: true,
      media: mediaOf(feed, first),
    });
    const ports = (data.stream as { ports?: readonly Port[] } | undefined)?.ports ?? [];
    const mids = [...feed.mids.values()];
    const streams = ports
      .filter(({ mid }) => mids.includes(mid))
      .map(({ mid, port, port_2, port_3, rtcp_port }) => ({
        ...{ mid, port, port_2, port_3 },
        ...(rtcp_port === undefined ? { pt: 111 } : { pt: 96, rtcp_port }),
      }));
    this.#streams = await startRtpForward(this.#forward, streams);
    if (!feed.hasLayers || this.#isOver) return;
    this.#reading = setInterval(() => {
      for (const viewer of this.#viewers) viewer.read(performance.now());
    }, READ_MS);
  }
}

/** What a mountpoint has, in the order of its viewers' offers. */
function mediaOf({ mids, videoCodec, hasLayers }: Feed, first: FirstKind): object[] {
  const [sound, picture] = [mids.get('audio'), mids.get('video')];
  const common = { port: 0, iface: LOOPBACK };
  // Without a microphone its place is kept: nothing is sent there.
  const kept = first === 'audio' && picture !== undefined ? `no-${picture}` : undefined;
  const audio = [sound ?? kept].flatMap((mid) =>
    mid === undefined ? [] : [{ ...common, mid, type: 'audio', pt: 111, codec: 'opus' }],
  );
  if (picture === undefined) return audio;
  const codec = videoCodec === 'h264' ? { codec: 'h264', fmtp: H264 } : { codec: 'vp8' };
  // Of a publisher of one size nothing would pass a mountpoint of several.
  const sizes = hasLayers ? { simulcast: true, port2: 0, port3: 0 } : {};
  // Its RTCP carries the viewers' requests for a keyframe back to the publisher, and those of a change of size.
  const video = { ...common, mid: picture, type: 'video', pt: 96, rtcpport: 0, ...sizes, ...codec };
  return first === 'video' ? [video, ...audio] : [...audio, video];
}
