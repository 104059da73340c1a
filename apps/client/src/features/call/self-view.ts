'use client';
import { useStore } from '@tandem/react';
import { type PointerEvent, type PointerEventHandler, useMemo, useRef } from 'react';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { CORNERS, type Corner, type Floating } from './tile-layout.ts';

export const SELF_VIEWS = ['full', 'small', 'hidden'] as const;
export type SelfView = (typeof SELF_VIEWS)[number];

/** How my own picture is shown, as this browser remembers it. */
export function useSelfView(): { view: SelfView; floating: Floating } {
  const view = useStore(preferences, (p) => SELF_VIEWS.find((one) => one === p.selfView) ?? 'full');
  const at = useStore(preferences, (p) => CORNERS.find((one) => one === p.selfCorner) ?? 'bottom-end');
  const floating = useMemo<Floating>(() => ({ at, size: view === 'small' ? 'small' : 'full' }), [at, view]);
  return { view, floating };
}

/** For a button: who cannot drag gets to each corner too (WCAG 2.5.7). */
export function nextCorner(): void {
  const at = CORNERS.findIndex((one) => one === preferences.get().selfCorner);
  savePreferences({ selfCorner: CORNERS[(Math.max(0, at) + 1) % CORNERS.length] ?? 'bottom-end' });
}

/** A pointer that moved less, px, was no drag. */
const DRAG = 8;

type Handlers = Record<
  'onPointerDown' | 'onPointerMove' | 'onPointerUp' | 'onPointerCancel',
  PointerEventHandler<HTMLElement>
>;

/** Drags a tile to the nearest corner of the stage. */
export function useCornerDrag(): Handlers {
  const from = useRef<{ x: number; y: number } | undefined>(undefined);
  return useMemo(() => {
    const moved = ({ clientX, clientY }: PointerEvent) => ({
      x: clientX - (from.current?.x ?? clientX),
      y: clientY - (from.current?.y ?? clientY),
    });
    const drop = ({ currentTarget }: PointerEvent<HTMLElement>) => {
      from.current = undefined;
      currentTarget.style.translate = '';
    };
    return {
      onPointerDown(event) {
        if ((event.target as Element).closest('button')) return;
        from.current = { x: event.clientX, y: event.clientY };
        event.currentTarget.setPointerCapture(event.pointerId);
        // Not a swipe to the next page.
        event.stopPropagation();
      },
      onPointerMove(event) {
        if (!from.current) return;
        const { x, y } = moved(event);
        event.currentTarget.style.translate = `${x}px ${y}px`;
      },
      onPointerUp(event) {
        if (!from.current) return;
        event.stopPropagation();
        const { x, y } = moved(event);
        const tile = event.currentTarget;
        if (Math.hypot(x, y) >= DRAG) savePreferences({ selfCorner: nearestCorner(tile) });
        drop(event);
      },
      onPointerCancel: drop,
    };
  }, []);
}

function nearestCorner(tile: HTMLElement): Corner {
  const stage = (tile.parentElement ?? tile).getBoundingClientRect();
  const { left, top, width, height } = tile.getBoundingClientRect();
  const isLeft = left + width / 2 < stage.left + stage.width / 2;
  const isTop = top + height / 2 < stage.top + stage.height / 2;
  const isStart = isLeft !== (getComputedStyle(tile).direction === 'rtl');
  return `${isTop ? 'top' : 'bottom'}-${isStart ? 'start' : 'end'}`;
}
