/** What a client sends. Rules of all messages: ./messages.ts. */
import Type, { type TObject } from 'typebox';
import { Entry, May, Metadata, message, PeerId, Ref, RoomId, Traceparent } from './message-parts.ts';
import { Answer, AppMessage, IceCandidate, MediaState, MediaWant, Offer, Receipt } from './relayed-messages.ts';

/** Client to server. */
export const ClientMessages = {
  join: message(
    'join',
    { roomId: RoomId, metadata: Type.Optional(Metadata), traceparent: Traceparent },
    'Enter a room. One room per session.',
  ),
  look: message(
    'look',
    { roomId: RoomId, ref: Ref },
    'Ask who is in a room that I may enter, before I do; the people in it are not told. Answered by `done` with `count` and `names`, or refused as `join` would be.',
  ),
  leave: message('leave', { roomId: Type.Optional(RoomId) }, 'Leave the room (`roomId`: only if it is that one).'),
  offer: Offer,
  answer: Answer,
  'ice-candidate': IceCandidate,
  'media-want': MediaWant,
  'media-state': MediaState,
  receipt: Receipt,
  message: AppMessage,
  update: message('update', { metadata: Metadata }, 'Replace what I say of myself.'),
  resume: message(
    'resume',
    { sessionToken: Type.String({ minLength: 16, maxLength: 512 }), traceparent: Traceparent },
    'First frame of a new socket: continue an earlier session.',
  ),
  ping: message('ping', { t: Type.Optional(Type.Number()) }, 'Answered by `pong` with the same `t`.'),
  kick: message(
    'kick',
    { peerId: PeerId, reason: Type.Optional(Type.String({ maxLength: 200 })), ref: Ref },
    'Needs the `kick` grant.',
  ),
  mute: message(
    'mute',
    { peerId: PeerId, kind: Type.Union([Type.Literal('audio'), Type.Literal('video')]), ref: Ref },
    'Ask a peer to mute; needs the `kick` grant.',
  ),
  grant: message(
    'grant',
    { peerId: PeerId, publish: Type.Optional(Type.Boolean()), kick: Type.Optional(Type.Boolean()), ref: Ref },
    'Change what a peer may do in my room, beside what its token says: send picture and sound (`publish`; needs the `kick` grant, and `invite` for what its token does not grant), moderate (`kick`; needs it by my token).',
  ),
  'close-room': message(
    'close-room',
    { reason: Type.Optional(Type.String({ maxLength: 200 })), ref: Ref },
    'End the room for everybody; needs the `kick` grant.',
  ),
  'set-entry': message(
    'set-entry',
    { entry: Entry, ...May, ref: Ref },
    'Say who may enter the room that I am in, and what people without the grant may do in it (what is absent stays); needs the `kick` grant. Holds until the room is empty, or as long as its settings.',
  ),
  admit: message('admit', { peerId: PeerId, ref: Ref }, 'Let in who asks to; needs the `kick` grant.'),
  refuse: message(
    'refuse',
    { peerId: PeerId, ref: Ref },
    'Do not let in who asks to, who may not ask again for a minute; needs the `kick` grant.',
  ),
} as const satisfies Record<string, TObject>;
