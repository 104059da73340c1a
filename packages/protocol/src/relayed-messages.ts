/** Messages that go from peer to peer, the same in both directions. */
import Type from 'typebox';
import { directed, MessageId, message, PeerId, Traceparent } from './message-parts.ts';

/** Messages that the server relays to one peer without looking at their payload. */
export const Offer = message(
  'offer',
  { ...directed, sdp: Type.Any({ description: 'Session description: string or {type, sdp}.' }) },
  'Session description offer (JSEP).',
);
export const Answer = message(
  'answer',
  { ...directed, sdp: Type.Any({ description: 'Session description: string or {type, sdp}.' }) },
  'Session description answer (JSEP).',
);
export const IceCandidate = message(
  'ice-candidate',
  { ...directed, candidate: Type.Any({ description: 'RTCIceCandidateInit, or null for end of candidates.' }) },
  'One ICE candidate (RFC 8838 trickle).',
);
export const Receipt = message(
  'receipt',
  { peerId: PeerId, id: MessageId },
  'Everything up to `id` arrived, in order.',
);
export const MediaWant = message(
  'media-want',
  {
    ...directed,
    want: Type.Optional(
      Type.Any({
        description:
          '{gen, restarts, others, layers: [{peerId, slot, layer}]}: opens the connection of generation `gen` on which the media node sends, and says in which layer (off, low, mid, high). Replaces earlier wishes.',
      }),
    ),
  },
  'To the media node of the room: what to receive.',
);
export const MediaState = message(
  'media-state',
  {
    ...directed,
    state: Type.Optional(
      Type.Any({
        description:
          '{mode, epoch}. From a media node: serving, engine-lost, closing. Between peers: served (your media reaches me by the node). To a media node: gone.',
      }),
    ),
  },
  'What of the media tier is true now.',
);
export const AppMessage = message(
  'message',
  {
    peerId: Type.Optional(PeerId),
    id: Type.Optional(MessageId),
    traceparent: Traceparent,
    data: Type.Any({ description: 'Any JSON.' }),
  },
  'Application message, to one peer (`peerId`) or to everybody else in the room (no `peerId`).',
);

/** Types relayed to one peer with `peerId` rewritten to the sender. */
export const RELAYED_TYPES = [
  'offer',
  'answer',
  'ice-candidate',
  'media-want',
  'media-state',
  'receipt',
  'message',
] as const;
