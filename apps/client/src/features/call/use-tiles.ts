'use client';
import type { PeerView } from '@tandem/react';
import { useStore } from '@tandem/react';
import { useCallback } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { useMirror } from '../../media/use-mirror.ts';
import type { TileProps } from './tile.tsx';
import type { TileLayout } from './tile-layout.ts';
import { ME } from './use-tile-layout.ts';

/** A tile this wide, px, has room for a name and a word beside it. */
const ROOMY = 280;

/** What each tile that has a place shows. */
export function useTiles(layout: TileLayout): TileProps[] {
  const peers = useStore(call, (s) => s.peers);
  const pin = useCallback((id: string) => call.set({ pinned: call.get().pinned === id ? undefined : id }), []);
  const onPin = peers.length > 1 ? pin : undefined;
  return [...useTheirs(layout, peers, onPin), ...useMine(layout)];
}

type Pin = ((id: string) => void) | undefined;

function useTheirs({ rects, floating }: TileLayout, peers: readonly PeerView[], onPin: Pin): TileProps[] {
  const t = useText();
  const pinned = useStore(call, (s) => s.pinned);
  const speaking = useStore(call, (s) => s.speaking);
  const weak = useStore(call, (s) => s.health.weak);
  const dark = useStore(call, (s) => s.incoming === 'off');
  return peers.flatMap((peer) => {
    const name = peer.name || t('call.guest');
    const common = (id: string) => ({ id, pinned: pinned === id, ...(onPin ? { onPin } : {}) });
    const tiles: TileProps[] = [];
    const rect = rects.get(peer.id);
    if (rect)
      tiles.push({
        ...common(peer.id),
        name,
        rect,
        kind: 'peer',
        track: dark ? undefined : peer.videoTrack,
        audio: peer.audio,
        hand: peer.hand,
        speaking: speaking.has(peer.id),
        state: peer.state,
        isNew: peer.setup === undefined,
        away: peer.away,
        weak: weak.includes(peer.id),
        floating: floating === peer.id,
      });
    const screen = `${peer.id}:screen`;
    const screenRect = rects.get(screen);
    if (screenRect)
      tiles.push({
        ...common(screen),
        name: t('call.tileScreen', { name }),
        rect: screenRect,
        kind: 'screen',
        track: peer.screenTrack,
        whole: true,
      });
    return tiles;
  });
}

function useMine({ rects, floating }: TileLayout): TileProps[] {
  const t = useText();
  const hand = useStore(call, (s) => s.hand);
  const speaking = useStore(call, (s) => s.speaking.has(ME));
  const name = useStore(call, (s) => s.name);
  const mirror = useMirror();
  const track = useStore(localMedia, (s) => s.videoTrack);
  const audio = useStore(localMedia, (s) => s.audio === 'live' && !s.muted);
  const tiles: TileProps[] = [];
  const rect = rects.get(ME);
  if (rect)
    tiles.push({
      id: ME,
      ...(name && rect.w >= ROOMY ? { name, after: `(${t('call.you')})` } : { name: t('call.you') }),
      who: name,
      rect,
      kind: 'me',
      track,
      mirror,
      audio,
      hand,
      speaking,
      floating: floating === ME,
    });
  return tiles;
}
