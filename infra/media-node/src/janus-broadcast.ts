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
  readonly rtcp_port?: number;
}

export class JanusBroadcast {
  readonly #host: JanusBroadcastHost;
  readonly #viewers = new Set<JanusViewer>();
  /** Name of the mountpoint: that of the feed, which is used once, in its room. */
  readonly #id: string;
  #handle: JanusHandle | undefined;
  #opened: Promise<void> | undefined;
  #isOver = false;
  #streams: readonly number[] = [];

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
      const answer = await viewer.open(this.#host.client, this.#id, sdp);
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
      // Its RTCP carries the viewers' requests for a keyframe back to the publisher.
      return { ...common, type: 'video', pt: 96, rtcpport: 0, ...codec };
    });
    const { data } = await this.#handle.message({
      request: 'create',
      type: 'rtp',
      id: this.#id,
      is_private: true,
      media,
    });
    const ports = (data.stream as { ports?: readonly Port[] } | undefined)?.ports ?? [];
    const streams = ports.map(({ mid, port, rtcp_port }) => ({
      mid,
      port,
      // Of a publisher that sends several sizes the largest there is. (Of one that sends one size nothing would pass.)
      ...(rtcp_port === undefined ? { pt: 111 } : { pt: 96, rtcp_port, simulcast: feed.hasLayers }),
    }));
    this.#streams = await startRtpForward(this.#forward, streams);
  }
}
