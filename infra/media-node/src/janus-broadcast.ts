/**
 * One publisher of a room for viewers that offer (WHEP): VideoRoom never answers the offer of somebody who receives, so what it has is passed on
 * to a mountpoint of the Streaming plugin, over loopback. It is there while anybody views.
 */
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

/** How often what viewers lost is read, ms: as the page reads what comes to it. */
const READ_MS = 2000;

export class JanusBroadcast {
  readonly #host: JanusBroadcastHost;
  readonly #viewers = new Set<JanusViewer>();
  /** Name of the mountpoint: that of the feed, which is used once, in its room. */
  readonly #id: string;
  #handle: JanusHandle | undefined;
  #opened: Promise<void> | undefined;
  #isOver = false;
  #streams: readonly number[] = [];
  #reading: NodeJS.Timeout | undefined;

  constructor(host: JanusBroadcastHost) {
    this.#host = host;
    this.#id = `${host.room} ${host.feed.id}`;
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
    const { client, feed } = this.#host;
    this.#handle = await client.attach(STREAMING, { onFrame: () => {}, onPlugin: () => {} });
    const sent = [...feed.mids].filter(([slot]) => slot !== 'screen');
    const media = sent.map(([slot, mid]) => {
      const common = { mid, port: 0, iface: LOOPBACK };
      if (slot === 'audio') return { ...common, type: 'audio', pt: 111, codec: 'opus' };
      const codec = feed.videoCodec === 'h264' ? { codec: 'h264', fmtp: H264 } : { codec: 'vp8' };
      // Of a publisher of one size nothing would pass a mountpoint of several.
      const sizes = feed.hasLayers ? { simulcast: true, port2: 0, port3: 0 } : {};
      // Its RTCP carries the viewers' requests for a keyframe back to the publisher, and those of a change of size.
      return { ...common, type: 'video', pt: 96, rtcpport: 0, ...sizes, ...codec };
    });
    const { data } = await this.#handle.message({
      request: 'create',
      type: 'rtp',
      id: this.#id,
      is_private: true,
      media,
    });
    const ports = (data.stream as { ports?: readonly Port[] } | undefined)?.ports ?? [];
    const streams = ports.map(({ mid, port, port_2, port_3, rtcp_port }) => ({
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
