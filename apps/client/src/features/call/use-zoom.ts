'use client';
import {
  type CSSProperties,
  type HTMLAttributes,
  type PointerEvent,
  type RefCallback,
  useCallback,
  useMemo,
  useRef,
  useState,
} from 'react';
import { moved, pixelTrue, WHOLE, type Zoom, zoomedTo } from './zoom.ts';

/** One press of the button, once each pixel has its own. */
const STEP = 1.5;
/** An arrow key moves the picture by this share of the tile. */
const NUDGE = 0.2;
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

export interface ScreenZoom {
  readonly isZoomed: boolean;
  /** Of the picture. */
  readonly style: CSSProperties;
  /** For the tile. */
  readonly ref: RefCallback<HTMLElement>;
  readonly handlers: HTMLAttributes<HTMLElement>;
  readonly zoomIn: () => void;
  readonly reset: () => void;
}

type Pointers = Map<number, { x: number; y: number }>;

const sizeOf = (tile: HTMLElement) => ({ w: tile.clientWidth, h: tile.clientHeight });
const trueScale = (tile: HTMLElement) => {
  const video = tile.querySelector('video');
  return pixelTrue({ w: video?.videoWidth ?? 0, h: video?.videoHeight ?? 0 }, sizeOf(tile), devicePixelRatio);
};
const from = (tile: HTMLElement, { clientX, clientY }: { clientX: number; clientY: number }) => {
  const { left, top } = tile.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
};

/** Middle and distance of two fingers. */
function spread(pointers: Pointers): { x: number; y: number; distance: number } | undefined {
  const [a, b] = [...pointers.values()];
  return a && b && { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
}

/**
 * A shared screen from near: two fingers or Ctrl and the wheel (which a touchpad's pinch is), a double click for the size in which each
 * pixel has its own, and back. Zoomed, it follows the pointer, the wheel and the arrow keys.
 */
export function useZoom(): ScreenZoom {
  const [zoom, setZoom] = useState<Zoom>(WHOLE);
  const tile = useRef<HTMLElement | null>(null);
  const latest = useRef(zoom);
  latest.current = zoom;
  const isZoomed = zoom.scale > 1;
  const reset = useCallback(() => setZoom(WHOLE), []);
  const zoomIn = useCallback(() => {
    const { current } = tile;
    if (!current) return;
    const { w, h } = sizeOf(current);
    setZoom((before) => {
      const pixels = trueScale(current);
      const next = before.scale < pixels - 0.01 ? pixels : before.scale * STEP;
      return zoomedTo(before, next, { x: w / 2, y: h / 2 }, { w, h });
    });
  }, []);
  // React listens to the wheel without a say in what the browser does with it.
  const ref = useCallback((element: HTMLElement | null) => {
    tile.current = element;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && latest.current.scale === 1) return;
      event.preventDefault();
      event.stopPropagation();
      const { deltaX, deltaY, ctrlKey } = event;
      const at = from(element, event);
      setZoom((before) =>
        ctrlKey
          ? zoomedTo(before, before.scale * Math.exp(-deltaY / 200), at, sizeOf(element))
          : moved(before, { x: -deltaX, y: -deltaY }, sizeOf(element)),
      );
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => {
      tile.current = null;
      element.removeEventListener('wheel', wheel);
    };
  }, []);
  const handlers = useMemo(() => handlersOf(() => latest.current, setZoom), []);
  const style: CSSProperties = isZoomed
    ? { transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`, transformOrigin: '0 0' }
    : {};
  return { isZoomed, style, ref, handlers, zoomIn, reset };
}

function handlersOf(zoom: () => Zoom, set: (next: (before: Zoom) => Zoom) => void): HTMLAttributes<HTMLElement> {
  const pointers: Pointers = new Map();
  const isButton = (event: { target: EventTarget }) => (event.target as Element).closest('button') !== null;
  const lifted = (event: PointerEvent<HTMLElement>) => {
    // What moved the picture turns no page.
    if (pointers.delete(event.pointerId) && zoom().scale > 1) event.stopPropagation();
  };
  return {
    onPointerDown(event) {
      if (isButton(event)) return;
      pointers.set(event.pointerId, from(event.currentTarget, event));
      if (pointers.size > 1 || zoom().scale > 1) event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove(event) {
      const before = pointers.get(event.pointerId);
      if (!before || (pointers.size === 1 && zoom().scale === 1)) return;
      const { currentTarget } = event;
      const [was, at] = [spread(pointers), from(currentTarget, event)];
      pointers.set(event.pointerId, at);
      const now = spread(pointers);
      const size = sizeOf(currentTarget);
      if (was && now && was.distance > 0)
        set((zoomed) =>
          moved(
            zoomedTo(zoomed, (zoomed.scale * now.distance) / was.distance, was, size),
            { x: now.x - was.x, y: now.y - was.y },
            size,
          ),
        );
      else set((zoomed) => moved(zoomed, { x: at.x - before.x, y: at.y - before.y }, size));
    },
    onPointerUp: lifted,
    onPointerCancel: lifted,
    onDoubleClick(event) {
      if (isButton(event)) return;
      const { currentTarget } = event;
      const at = from(currentTarget, event);
      const scale = zoom().scale > 1 ? 1 : Math.max(trueScale(currentTarget), STEP);
      set((before) => zoomedTo(before, scale, at, sizeOf(currentTarget)));
    },
    onKeyDown(event) {
      const arrow = ARROWS[event.key];
      if (!arrow || zoom().scale === 1) return;
      event.preventDefault();
      event.stopPropagation();
      const { w, h } = sizeOf(event.currentTarget);
      set((before) => moved(before, { x: arrow[0] * w * NUDGE, y: arrow[1] * h * NUDGE }, { w, h }));
    },
  };
}
