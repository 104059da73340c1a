/** What Janus says of the media sections towards a receiver, and the placeholders among them. */
import type { Layer, Slot } from './engine.ts';

/** VideoRoom's numbers: of rids in the order h, m, l the first is substream 2. */
export type SentLayer = Exclude<Layer, 'off'>;
const SUBSTREAM: Record<SentLayer, number> = { low: 0, mid: 1, high: 2 };

/** A publisher with media, or that is about to have some: what a subscription names. */
export interface Feed {
  readonly id: string;
  /** Media section of each slot that it sends. */
  readonly mids: ReadonlyMap<Slot, string>;
  readonly videoCodec: 'vp8' | 'h264';
  /** Its camera comes in several sizes. */
  readonly hasLayers: boolean;
}

/** A media section towards the receiver, as Janus tells it. */
export interface JanusStream {
  readonly mid: string;
  readonly active?: boolean;
  readonly feed_id?: string;
  readonly feed_mid?: string;
  readonly crossrefid?: string;
}

/** One that carries something. */
export interface SubscribedStream {
  /** Towards the receiver. */
  readonly mid: string;
  readonly feed: string;
  readonly feedMid: string;
  /** It is negotiated for that feed, and carries nothing until it is switched to it. */
  readonly isPlaceholder: boolean;
}

/**
 * A section for a publisher whose media does not flow yet is subscribed to VideoRoom's own feed that sends nothing, the placeholder.
 * It has these streams, and numbers them in this order.
 */
export const PLACEHOLDER_STREAMS = [{ codec: 'opus', fmtp: 'useinbandfec=1' }, { codec: 'vp8' }];
const PLACEHOLDER_MID = { audio: '0', video: '1', screen: '1' } as const satisfies Record<Slot, string>;

/** @param placeholder feed of VideoRoom's own. @returns what a subscription asks for until the feed's media flows */
export function heldFor(placeholder: string, slot: Slot, feed: string, mid: string) {
  return { feed: placeholder, mid: PLACEHOLDER_MID[slot], crossrefid: `${feed} ${mid}` };
}

/** What the sections carry, by the names of the feeds that they are for. */
export function readStreams(streams: readonly JanusStream[], placeholder: string | undefined): SubscribedStream[] {
  return streams.flatMap(({ mid, active, feed_id, feed_mid, crossrefid = '' }): SubscribedStream[] => {
    if (!active || feed_id === undefined) return [];
    if (feed_id !== placeholder) return [{ mid, feed: feed_id, feedMid: feed_mid ?? '', isPlaceholder: false }];
    const at = crossrefid.lastIndexOf(' ');
    return [{ mid, feed: crossrefid.slice(0, at), feedMid: crossrefid.slice(at + 1), isPlaceholder: true }];
  });
}

/** VideoRoom's numbers of header extensions (janus_rtp_extension_id). */
const EXTENSIONS = {
  audio: 'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  video: 'a=extmap:13 urn:3gpp:video-orientation',
};

/** An offer whose placeholders negotiate what browsers' streams have: VideoRoom says of them only what their feed has, and that has none. */
export function withExtensions(sdp: string): string {
  return sdp
    .split(/^(?=m=)/m)
    .map((section) => {
      const kind = /^m=(audio|video) /.exec(section)?.[1] as keyof typeof EXTENSIONS | undefined;
      if (!kind || section.includes(EXTENSIONS[kind].slice(EXTENSIONS[kind].indexOf(' ')))) return section;
      return `${section.trimEnd()}\r\n${EXTENSIONS[kind]}\r\n`;
    })
    .join('');
}

/**
 * The size that a camera's subscription begins with. Said later, by `configure`, it makes Janus ask for a keyframe before the receiver's
 * transport is up, and the one that the receiver needs is then held back for a second (PLI dilution, M-8).
 */
export function firstLayer(slot: Slot, wanted: Layer = 'high'): SentLayer | undefined {
  if (slot !== 'video') return undefined;
  return wanted === 'off' ? 'low' : wanted;
}

export const substream = (layer: SentLayer | undefined) => (layer ? { substream: SUBSTREAM[layer] } : {});

/** What `configure` says of one section. */
export function setting(mid: string, slot: Slot, layer: Layer): Record<string, unknown> {
  if (layer === 'off') return { mid, send: false };
  return { mid, send: true, ...substream(slot === 'video' ? layer : undefined) };
}
