/** What end-to-end delivery takes, and what becomes of a message. */
import type { Clock } from './clock.ts';
import type { DirectedType, Frame, PeerInfo } from './wire.ts';

/** Why a message is given up. It may still have arrived: the receipt may be what was lost. */
export type DeliveryFailure =
  | 'peer-left'
  | 'left-room'
  | 'session-lost'
  | 'timeout'
  | 'overflow'
  | 'refused'
  | 'closed';

/** `confirmed` is false for peers that do not send receipts (not this SDK): best effort. */
export type DeliveryResult =
  | { readonly ok: true; readonly confirmed: boolean }
  | { readonly ok: false; readonly reason: DeliveryFailure };

export interface DeliveryOptions {
  /** Give a frame to the relay; false when there is no connection. */
  readonly send: (frame: Frame) => boolean;
  /** A message of `peerId`, in order, once. */
  readonly deliver: (peerId: string, frame: Frame) => void;
  /** A message was given up. */
  readonly failed?: (peerId: string, type: DirectedType, reason: DeliveryFailure) => void;
  /**
   * What is known of this peer; undefined: not in view yet, its messages wait, without a receipt. Without `delivery` it answers with none.
   * Default: everybody is in view and answers.
   */
  readonly peer?: (peerId: string) => Pick<PeerInfo, 'metadata'> | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  /** Time without progress until the first repeat, ms; doubles up to `maxResend`. Default 1000. */
  readonly resendAfter?: number;
  /** Default 8000. */
  readonly maxResend?: number;
  /** A message older than this, ms, is given up. Default 90,000: longer than the session grace of 60 s. */
  readonly timeout?: number;
  /** Messages to one peer that may be unacknowledged; the rest wait. Default 32. */
  readonly window?: number;
  /** Messages to one peer that may wait; the next is refused as `overflow`. Default 512. */
  readonly maxPending?: number;
  /** How long receipts are gathered, ms. Default 20. */
  readonly receiptDelay?: number;
  /** Repeat what was not acknowledged. Default true; tests switch it off as their negative control. */
  readonly resend?: boolean;
}
