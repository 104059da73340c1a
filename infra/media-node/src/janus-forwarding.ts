/** What one publisher sends, forwarded to UDP ports: for a packager. */
import { EngineError, type Forwarding, type ForwardPorts } from './engine.ts';
import type { JanusHandle } from './janus-client.ts';
import { type RtpForward, startRtpForward, stopRtpForward } from './janus-rtp-forward.ts';
import type { Feed } from './janus-subscriber.ts';

export interface JanusForwardingHost {
  readonly room: string;
  /** Of VideoRoom. */
  readonly control: JanusHandle;
  readonly feed: Feed;
  keyframe(): void;
  /** Packets of that section of the publisher come now. */
  receives(mid: string): boolean;
  /** Called once. */
  ended(): void;
}

export class JanusForwarding implements Forwarding {
  readonly #host: JanusForwardingHost;
  readonly #end = Promise.withResolvers<void>();
  readonly ended = this.#end.promise;
  #streams: readonly number[] = [];
  #isOver = false;

  constructor(host: JanusForwardingHost) {
    this.#host = host;
  }

  get feed(): string {
    return this.#host.feed.id;
  }
  get hasAudio(): boolean {
    return this.#host.feed.mids.has('audio');
  }
  isSounding(): boolean {
    const mid = this.#host.feed.mids.get('audio');
    return mid !== undefined && this.#host.receives(mid);
  }
  get videoCodec(): 'vp8' | 'h264' | undefined {
    const { mids, videoCodec } = this.#host.feed;
    if (!mids.has('video')) return undefined;
    return videoCodec === 'h264' ? 'h264' : 'vp8';
  }

  /** @throws EngineError */
  async open({ host, audio, video }: ForwardPorts): Promise<void> {
    const { feed } = this.#host;
    const streams = [...feed.mids].flatMap(([slot, mid]) => {
      if (slot === 'audio') return [{ mid, port: audio, pt: 111 }];
      return slot === 'video' ? [{ mid, port: video, pt: 96, simulcast: feed.hasLayers }] : [];
    });
    try {
      this.#streams = await startRtpForward(this.#forward, streams, host);
    } catch (error) {
      this.over();
      throw error;
    }
    // It was closed, or the publisher has ended, meanwhile.
    if (!this.#isOver) return;
    await stopRtpForward(this.#forward, this.#streams);
    throw new EngineError('gone', 'the publisher has ended');
  }

  get #forward(): RtpForward {
    const { room, control, feed } = this.#host;
    return { room, control, publisher: feed.id };
  }

  keyframe(): void {
    if (!this.#isOver) this.#host.keyframe();
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.over();
    await stopRtpForward(this.#forward, this.#streams);
  }

  /** The publisher, the room or the process is gone. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.ended();
    this.#end.resolve();
  }
}
