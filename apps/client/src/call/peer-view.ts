import type { RemotePeer } from '@tandem/rtc';
import type { PeerView } from './types.ts';

/**
 * What views need of a peer, as a new object: the SDK's own stays the same while its fields change.
 * @param hasKey I have the secret of the call. Without it, what a decoder makes of encrypted pictures is flickering noise: there are none.
 */
export function viewOf(peer: RemotePeer, hasKey: boolean): PeerView {
  const { metadata } = peer;
  const encrypts = metadata.encryption !== undefined;
  const live = (stream: MediaStream) => (encrypts && !hasKey ? undefined : stream.getVideoTracks()[0]);
  return {
    id: peer.peerId,
    name: peer.name,
    state: peer.state,
    away: peer.away,
    audience: peer.audience,
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
