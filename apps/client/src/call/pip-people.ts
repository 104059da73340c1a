import { type PeerView, Store } from '@tandem/react';

/** Most tiles of the small window. */
const MOST = 4;

/** Ids of those whose cameras the small window shows now; it may be people of another page of the stage. */
export const pipShown = new Store<{ readonly ids: readonly string[] }>({ ids: [] });

export interface PipTile {
  readonly id: string;
  readonly peer: PeerView;
  readonly kind: 'peer' | 'screen';
  readonly track: MediaStreamTrack | undefined;
}

/** What the small window shows: a shared screen first, then who speaks, then the others in their order. */
export function pipTiles(peers: readonly PeerView[], speaker: string | undefined): readonly PipTile[] {
  const screens = peers.filter(({ screenTrack }) => screenTrack);
  const speakerFirst = [...peers].sort((a, b) => Number(b.id === speaker) - Number(a.id === speaker));
  return [
    ...screens.map((peer) => ({ id: `${peer.id}:screen`, peer, kind: 'screen' as const, track: peer.screenTrack })),
    ...speakerFirst.map((peer) => ({ id: peer.id, peer, kind: 'peer' as const, track: peer.videoTrack })),
  ].slice(0, MOST);
}
