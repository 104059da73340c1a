import type { PairQuality, RemotePeer } from '@tandem/rtc';

/** One other person, as a view needs it. A new object after every change. */
export interface PeerView {
  readonly id: string;
  readonly name: string;
  readonly state: RemotePeer['state'];
  readonly away: boolean;
  /** Watches and listens only: a number, no tile. */
  readonly audience: boolean;
  /** Has the grant `kick`, as the server says. */
  readonly moderator: boolean;
  /** Has it by its own token, as the server says: whom a moderator made one in the room cannot remove it. */
  readonly moderatorByToken: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly hand: boolean;
  /** It encrypts end to end: without its secret all of it is noise. */
  readonly encrypts: boolean;
  /** When the hand went up, ms since the epoch by its owner's clock; 0: not known. */
  readonly handAt: number;
  /** How the media comes: straight from this person, or by a media node. */
  readonly topology: 'mesh' | 'sfu';
  readonly stream: MediaStream;
  readonly videoTrack: MediaStreamTrack | undefined;
  readonly screenTrack: MediaStreamTrack | undefined;
  readonly quality: PairQuality | undefined;
  /** ms from first step to `connected`. */
  readonly setup: number | undefined;
}

/**
 * What views need of a peer, as a new object: the SDK's own stays the same while its fields change.
 * @param hasKey I have the secret of the call. Without it, what a decoder makes of encrypted pictures is flickering noise: there are none. Default false.
 */
export function viewOf(peer: RemotePeer, hasKey = false): PeerView {
  const { metadata } = peer;
  const encrypts = metadata.encryption !== undefined;
  const live = (stream: MediaStream) => (encrypts && !hasKey ? undefined : stream.getVideoTracks()[0]);
  return {
    id: peer.peerId,
    name: peer.name,
    state: peer.state,
    away: peer.away,
    audience: peer.audience,
    moderator: metadata.moderator === true,
    moderatorByToken: metadata.moderatorByToken === true,
    audio: metadata.audio === true,
    video: metadata.video === true,
    hand: metadata.hand === true,
    encrypts,
    handAt: metadata.handAt ?? 0,
    topology: peer.topology,
    stream: peer.stream,
    videoTrack: metadata.video ? live(peer.stream) : undefined,
    screenTrack: metadata.screen ? live(peer.screen) : undefined,
    quality: peer.quality,
    setup: peer.timings.connected,
  };
}
