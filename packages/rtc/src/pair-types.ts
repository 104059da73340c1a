/** What a leg of the mesh takes and reports. */
import type { Clock } from './clock.ts';
import type { DeliveryResult } from './delivery-types.ts';
import type { Pace } from './pace.ts';

/** State of the connection with one peer. `interrupted`: no media arrives and recovery is under way. @public */
export type PairState = 'connecting' | 'connected' | 'interrupted' | 'rebuilding' | 'closed';
/** The three things a participant sends. @public */
export type Slot = 'audio' | 'video' | 'screen';
export const SLOTS: readonly Slot[] = ['audio', 'video', 'screen'];

/** What a pair needs of its call. */
export interface PairHost {
  readonly clock: Clock;
  /** Of all pairs of the call. */
  readonly pace: Pace;
  readonly RTCPeerConnection: new (configuration: RTCConfiguration) => RTCPeerConnection;
  /** Configuration as known now. */
  configuration(): RTCConfiguration;
  /** The same with credentials that are good for a while. */
  freshConfiguration(): Promise<RTCConfiguration>;
  /** Never rejects. The result says what became of it, as far as this side knows. */
  send(type: 'offer' | 'answer' | 'ice-candidate', body: object): Promise<DeliveryResult>;
  /** May signaling reach the peer now? Recovery waits for it. */
  reachable(): boolean;
  track(slot: Slot): MediaStreamTrack | null;
  /** Where the bandwidth estimate for sending to this peer begins, bit/s. */
  startBitrate(): number;
  /** Streams that go with it in the session description. */
  onTrack(slot: Slot, track: MediaStreamTrack): void;
  onState(state: PairState): void;
  /** Senders exist or changed: apply the caps. */
  onSenders(): void;
  onChannel(channel: RTCDataChannel): void;
  /** For diagnostics and the steps of connecting. */
  onTiming(name: string): void;
}

/** Times of the recovery of a pair, in ms; for tests. @public */
export interface PairTimes {
  /** Time of `disconnected` with flat byte counts until a restart begins, ms. Default 2000. */
  readonly disconnected: number;
  /** No recovery, or no answer to an offer, within this time, ms: rebuild the pair. Default 8000. */
  readonly rebuild: number;
  /** Waiting for the other's first offer, ms. Default 2000. */
  readonly firstOffer: number;
}
export const PAIR_TIMES: PairTimes = { disconnected: 2000, rebuild: 8000, firstOffer: 2000 };
