/** What a client and the agent say to each other: read defensively, since it comes from outside. */
import type { Candidate, Layer, Slot, TrackName } from './engine.ts';
import { hasPlainMids } from './session-slots.ts';

/** A session description over this size is refused, characters. One of 50 people with three sections each has about 60,000. */
export const MAX_SDP = 200_000;
/** Wishes of one person, at most. */
const MAX_WISHES = 1000;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

export type LegName = 'up' | 'down';
/** A description or candidate belongs to one leg and to one generation of its connection; a higher one replaces it. */
export interface LegDescription {
  readonly leg: LegName;
  readonly gen: number;
  readonly sdp: string;
  /** The offer that this answer answers. */
  readonly to?: number;
  /** Of an offer: what its answer is to say as `to`. */
  readonly n?: number;
}
export interface LegCandidate {
  readonly leg: LegName;
  readonly gen: number;
  readonly candidate: Candidate | null;
}
/** What a person wants to receive: opens the down leg of generation `gen`, and replaces earlier wishes. */
export interface Want {
  readonly gen: number;
  /** Search for a path anew; counts up. */
  readonly restarts: number;
  /** Layer of what is not named below. */
  readonly others: Layer;
  readonly layers: readonly (TrackName & { readonly layer: Layer })[];
}

export function readDescription(body: unknown): LegDescription | undefined {
  const sdp = isObject(body) ? body.sdp : undefined;
  if (!isObject(sdp) || typeof sdp.sdp !== 'string' || sdp.sdp.length > MAX_SDP) return undefined;
  if ((sdp.leg !== 'up' && sdp.leg !== 'down') || !isCount(sdp.gen) || !hasPlainMids(sdp.sdp)) return undefined;
  const { to, n } = sdp;
  return { leg: sdp.leg, gen: sdp.gen, sdp: sdp.sdp, ...(isCount(to) ? { to } : {}), ...(isCount(n) ? { n } : {}) };
}

export function readCandidate(body: unknown): LegCandidate | undefined {
  const value = isObject(body) ? body.candidate : undefined;
  if (!isObject(value) || (value.leg !== 'up' && value.leg !== 'down') || !isCount(value.gen)) return undefined;
  const { leg, gen, candidate, sdpMid, sdpMLineIndex } = value;
  if (candidate === undefined || candidate === null || candidate === '') return { leg, gen, candidate: null };
  if (typeof candidate !== 'string' || candidate.length > 512) return undefined;
  return {
    leg,
    gen,
    candidate: {
      candidate,
      sdpMid: typeof sdpMid === 'string' && sdpMid.length <= 64 ? sdpMid : null,
      sdpMLineIndex: Number.isSafeInteger(sdpMLineIndex) ? (sdpMLineIndex as number) : null,
    },
  };
}

const isLayer = (value: unknown): value is Layer =>
  value === 'off' || value === 'low' || value === 'mid' || value === 'high';
const isSlot = (value: unknown): value is Slot => value === 'audio' || value === 'video' || value === 'screen';

export function readWant(body: unknown): Want | undefined {
  if (!isObject(body) || !isCount(body.gen)) return undefined;
  const layers = Array.isArray(body.layers) ? body.layers.slice(0, MAX_WISHES) : [];
  return {
    gen: body.gen,
    restarts: isCount(body.restarts) ? body.restarts : 0,
    others: isLayer(body.others) ? body.others : 'high',
    layers: layers.flatMap((wish: unknown) => {
      if (!isObject(wish) || typeof wish.peerId !== 'string' || wish.peerId.length > 64) return [];
      return isSlot(wish.slot) && isLayer(wish.layer)
        ? [{ publisher: wish.peerId, slot: wish.slot, layer: wish.layer }]
        : [];
    }),
  };
}
