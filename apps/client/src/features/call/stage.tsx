'use client';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { isolate, useLanguage, useText } from '../../i18n/index.ts';
import { preferences } from '../../lib/preferences.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { arrange, type Size } from './arrange.ts';
import { EmptyRoom } from './invite.tsx';
import { Tile, type TileProps } from './tile.tsx';

const ME = 'me';
const MY_SCREEN = 'me:screen';
/** A tile this wide, px, has room for a name and a word beside it. */
const ROOMY = 280;

export function Stage() {
  const t = useText();
  const language = useLanguage();
  const ref = useRef<HTMLUListElement>(null);
  const [size, setSize] = useState<Size>({ w: 0, h: 0 });
  const peers = useStore(call, (s) => s.peers);
  const layout = useStore(call, (s) => s.layout);
  const pinned = useStore(call, (s) => s.pinned);
  const speaker = useStore(call, (s) => s.speaker);
  const speaking = useStore(call, (s) => s.speaking);
  const sharing = useStore(call, (s) => s.sharing);
  const hand = useStore(call, (s) => s.hand);
  const mirror = useStore(preferences, (p) => p.mirror);
  const name = useStore(call, (s) => s.name);
  const videoTrack = useStore(localMedia, (s) => s.videoTrack);
  const audioOn = useStore(localMedia, (s) => s.audio === 'live' && !s.muted);

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ w: entry.contentRect.width, h: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const pin = useCallback((id: string) => call.set({ pinned: call.get().pinned === id ? undefined : id }), []);

  const others = useMemo(() => {
    const ids: string[] = [];
    if (sharing) ids.push(MY_SCREEN);
    for (const peer of peers) if (peer.screenTrack) ids.push(`${peer.id}:screen`);
    for (const peer of peers) ids.push(peer.id);
    return ids;
  }, [peers, sharing]);

  const screen = others.find((id) => id.endsWith(':screen') && id !== MY_SCREEN);
  const wanted =
    (pinned !== undefined && (others.includes(pinned) || pinned === ME) ? pinned : undefined) ??
    screen ??
    (layout === 'spotlight' && speaker !== undefined && others.includes(speaker) ? speaker : undefined);
  const idsKey = others.join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: idsKey stands for `others`, whose identity changes with every reading.
  const { rects, floating } = useMemo(
    () => arrange(others, ME, wanted, layout, size, size.w < 640 ? 8 : 12),
    [idsKey, wanted, layout, size],
  );

  const many = others.length > 1;
  const tiles: TileProps[] = [];
  for (const peer of peers) {
    const rect = rects.get(peer.id);
    const label = peer.name || t('call.guest');
    if (rect)
      tiles.push({
        id: peer.id,
        name: label,
        rect,
        kind: 'peer',
        track: peer.videoTrack,
        audio: peer.audio,
        hand: peer.hand,
        speaking: speaking.has(peer.id),
        state: peer.state,
        away: peer.away,
        weak: peer.grade === 'poor',
        floating: floating === peer.id,
        pinned: pinned === peer.id,
        ...(many ? { onPin: pin } : {}),
      });
    const screenRect = rects.get(`${peer.id}:screen`);
    if (screenRect)
      tiles.push({
        id: `${peer.id}:screen`,
        name: t('call.tileScreen', { name: label }),
        rect: screenRect,
        kind: 'screen',
        track: peer.screenTrack,
        whole: true,
        pinned: pinned === `${peer.id}:screen`,
        ...(many ? { onPin: pin } : {}),
      });
  }
  const myScreenRect = rects.get(MY_SCREEN);
  if (myScreenRect)
    tiles.push({
      id: MY_SCREEN,
      name: t('call.tileYourScreen'),
      rect: myScreenRect,
      kind: 'screen',
      track: sharing,
      whole: true,
    });
  const mine = rects.get(ME);
  if (mine)
    tiles.push({
      id: ME,
      name: name && mine.w >= ROOMY ? `${isolate(language, name)} (${t('call.you')})` : t('call.you'),
      who: name,
      rect: mine,
      kind: 'me',
      track: videoTrack,
      mirror,
      audio: audioOn,
      hand,
      speaking: speaking.has(ME),
      floating: floating === ME,
    });

  const alone = peers.length === 0 && !sharing;
  return (
    <div className={`stage ${alone ? 'alone' : ''}`}>
      <ul ref={ref} className="tiles" aria-label={t('call.peopleTitle')}>
        {tiles.map((tile) => (
          <Tile key={tile.id} {...tile} />
        ))}
      </ul>
      {alone && <EmptyRoom />}
    </div>
  );
}
