import type { RemotePeer } from '@tandem/rtc';
import type { PeerView } from './types.ts';

/** What views need of a peer, as a new object: the SDK's own stays the same while its fields change. */
export function viewOf(peer: RemotePeer): PeerView {
  const { metadata } = peer;
  const live = (stream: MediaStream) => stream.getVideoTracks()[0];
  return {
    id: peer.peerId,
    name: peer.name,
    state: peer.state,
    away: peer.away,
    audience: peer.audience,
    audio: metadata.audio === true,
    video: metadata.video === true,
    hand: metadata.hand === true,
    encrypts: metadata.encryption !== undefined,
    handAt: metadata.handAt ?? 0,
    topology: peer.topology,
    stream: peer.stream,
    videoTrack: metadata.video ? live(peer.stream) : undefined,
    screenTrack: metadata.screen ? live(peer.screen) : undefined,
    quality: peer.quality,
    setup: peer.timings.connected,
  };
}
