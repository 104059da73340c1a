'use client';
import { useStore } from '@tandem/react';
import { type PointerEvent, useRef, type WheelEvent } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { EmptyRoom } from './invite.tsx';
import { Pager } from './pager.tsx';
import { Tile } from './tile.tsx';
import { usePictureSizes } from './use-picture-sizes.ts';
import { useTileLayout } from './use-tile-layout.ts';
import { useTiles } from './use-tiles.ts';

/** A finger that moves this far sideways, px, turns the page. */
const SWIPE = 60;
/** One push of a wheel or a touchpad turns one page, however long it rolls on, ms. */
const TURN_MS = 400;

export function Stage() {
  const t = useText();
  const ref = useRef<HTMLUListElement>(null);
  const held = useRef(false);
  const from = useRef(0);
  const turnedAt = useRef(Number.NEGATIVE_INFINITY);
  const layout = useTileLayout(ref, held);
  const tiles = useTiles(layout);
  usePictureSizes(layout.rects);
  const alone = useStore(call, (s) => s.peers.every(({ audience }) => audience));
  const { page, pages, more, setPage } = layout;
  const turn = (step: number) => setPage(Math.min(pages - 1, Math.max(0, page + step)));
  const over = (event: PointerEvent) => {
    held.current = event.pointerType === 'mouse' && (event.target as Element).closest('.tile') !== null;
  };
  const swiped = (event: PointerEvent<HTMLElement>) => {
    if (event.pointerType === 'mouse' || pages < 2) return;
    const moved = (event.clientX - from.current) * (getComputedStyle(event.currentTarget).direction === 'rtl' ? -1 : 1);
    if (Math.abs(moved) > SWIPE) turn(-Math.sign(moved));
  };
  const wheeled = ({ deltaY, ctrlKey, timeStamp }: WheelEvent) => {
    // With Ctrl it is the browser's zoom.
    if (ctrlKey || deltaY === 0 || timeStamp - turnedAt.current < TURN_MS) return;
    turnedAt.current = timeStamp;
    turn(Math.sign(deltaY));
  };
  return (
    <div className={`stage ${alone ? 'alone' : ''} ${pages > 1 ? 'paged' : ''}`}>
      <ul
        ref={ref}
        className="tiles"
        aria-label={t('call.peopleTitle')}
        onPointerMove={over}
        onPointerLeave={() => {
          held.current = false;
        }}
        onPointerDown={(event) => {
          from.current = event.clientX;
        }}
        onPointerUp={swiped}
        onWheel={pages > 1 ? wheeled : undefined}
      >
        {tiles.map((tile) => (
          <Tile key={tile.id} {...tile} />
        ))}
        {more && (
          <li className="tile more-tile" style={place(more.rect)}>
            <button type="button" data-testid="more-people" onClick={() => call.showPanel('people')}>
              <span aria-hidden="true">{t('call.more', { count: more.count })}</span>
              <span className="visually-hidden">{t('call.moreLabel', { count: more.count })}</span>
            </button>
          </li>
        )}
      </ul>
      {pages > 1 && <Pager page={page} pages={pages} onPage={setPage} />}
      {alone && <EmptyRoom />}
    </div>
  );
}

const place = (rect: { x: number; y: number; w: number; h: number }) => ({
  insetInlineStart: rect.x,
  insetBlockStart: rect.y,
  inlineSize: rect.w,
  blockSize: rect.h,
});
