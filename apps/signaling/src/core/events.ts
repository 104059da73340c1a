/** What the core tells about itself; metrics and logs listen. Never on the relay path, except plain counters. */
import type { CloseName } from '@tandem/protocol';
import type { Frame } from '../wire/spliced-frame.ts';

/** Plain numbers, counted up in place: nothing is called on the hot path. */
export interface Counters {
  /** Frames received from clients. */
  received: number;
  /** Frames handed to peers on this node. */
  relayedLocal: number;
  /** Frames published to other nodes. */
  relayedRemote: number;
  /** Frames that came from other nodes. */
  fromNodes: number;
  /** Batches published. */
  batches: number;
  /** Frames parked for detached sessions. */
  parked: number;
  /** Frames that could not be delivered or parked. */
  dropped: number;
  refused: number;
  joins: number;
  resumes: number;
  resumesFailed: number;
  fenced: number;
  /** Rooms read again because the replica may be stale. */
  staleReads: number;
}

export function newCounters(): Counters {
  return {
    received: 0,
    relayedLocal: 0,
    relayedRemote: 0,
    fromNodes: 0,
    batches: 0,
    parked: 0,
    dropped: 0,
    refused: 0,
    joins: 0,
    resumes: 0,
    resumesFailed: 0,
    fenced: 0,
    staleReads: 0,
  };
}

export interface NodeEvents {
  /** Something that an operator wants in the log. `event` is a dotted name; fields never carry secrets or payloads. */
  log?(level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: Record<string, unknown>): void;
  /**
   * A frame that may carry a `traceparent` passes. Unset unless a collector is set; the relay path then asks only for frames
   * that have the field.
   * @param hop `relay`: it came from its sender's socket; `deliver`: it came from another node
   * @returns called when the frame has been handed on
   */
  traced?(hop: 'relay' | 'deliver', frame: Frame | Uint8Array): (() => void) | undefined;
  /** A connection was closed by this side. */
  closed?(name: CloseName): void;
}
