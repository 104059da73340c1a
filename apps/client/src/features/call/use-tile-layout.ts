'use client';
import type { PeerView } from '@tandem/react';
import { useStore } from '@tandem/react';
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { TileOrder } from '../../call/tile-order.ts';
import { useSelfView } from './self-view.ts';
import { layTiles, pageCapacity, type Size, type TileLayout } from './tile-layout.ts';

export const ME = 'me';
/** More people than this get a stage with who speaks, not pages: four of them are not looked through. */
const MOST_IN_GRID = 48;
/** Order is looked at again after this time, ms: places that were held may be free. */
const LOOK_AGAIN_MS = 2000;

function useSize(ref: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ w: 0, h: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ w: entry.contentRect.width, h: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/** Ids of people, in the order of their tiles. */
function useOrder(peers: readonly PeerView[], first: number, held: RefObject<boolean>): readonly string[] {
  const order = useRef(new TileOrder()).current;
  const pinned = useStore(call, (s) => s.pinned);
  const speaker = useStore(call, (s) => (s.speaker !== undefined && s.speaking.has(s.speaker) ? s.speaker : undefined));
  const [look, setLook] = useState(0);
  const paged = peers.length > first;
  useEffect(() => {
    if (!paged) return;
    const timer = setInterval(() => setLook((n) => n + 1), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [paged]);
  const key = peers.map(({ id, video }) => `${id}${video ? '+' : '-'}`).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for `peers`, whose identity changes with every reading.
  return useMemo(
    () => order.update({ peers, pinned, speaker, first, held: held.current, now: performance.now() }),
    [order, key, pinned, speaker, first, look],
  );
}

export interface StageLayout extends TileLayout {
  readonly setPage: (page: number) => void;
}

/** Where each tile is, for the people, the layout and the page of the moment. @param held the pointer is over a tile */
export function useTileLayout(ref: RefObject<HTMLElement | null>, held: RefObject<boolean>): StageLayout {
  const size = useSize(ref);
  const everybody = useStore(call, (s) => s.peers);
  const watching = useStore(call, (s) => s.watching);
  const peers = useMemo(() => everybody.filter(({ audience }) => !audience), [everybody]);
  const chosen = useStore(call, (s) => s.layout);
  const pinned = useStore(call, (s) => s.pinned);
  const speaker = useStore(call, (s) => s.speaker);
  const [page, setPage] = useState(0);
  const self = useSelfView();
  const gap = size.w < 640 ? 8 : 12;
  const order = useOrder(peers, Math.max(1, pageCapacity(size, gap) - 1), held);
  const screens = peers.filter(({ screenTrack }) => screenTrack).map(({ id }) => `${id}:screen`);
  const others = [...screens, ...order];
  const layout = chosen === 'auto' && peers.length > MOST_IN_GRID ? 'spotlight' : chosen;
  // Alone I see myself, whatever was chosen; who is not seen by the others has no tile.
  const me = watching || (self.view === 'hidden' && others.length > 0) ? undefined : ME;
  const main =
    (pinned !== undefined && (others.includes(pinned) || pinned === me) ? pinned : undefined) ??
    screens[0] ??
    (layout === 'spotlight' && speaker !== undefined && others.includes(speaker) ? speaker : undefined);
  const key = others.join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for `others`, which is a new array each time.
  const tiles = useMemo(
    () => layTiles({ others, me, main, layout, size, gap, page, floating: self.floating }),
    [key, me, main, layout, size, gap, page, self.floating],
  );
  return { ...tiles, setPage };
}
