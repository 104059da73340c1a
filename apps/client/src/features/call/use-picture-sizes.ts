'use client';
import { useStore } from '@tandem/react';
import { useEffect } from 'react';
import { call } from '../../call/call-model.ts';
import type { Rect } from './tile-layout.ts';

/** Tiles must rest for this long, ms, before pictures change: a window that is being resized asks for nothing. */
const REST_MS = 700;
/** Steps that encoders and media nodes have. */
const STEPS = [180, 360, 720] as const;

/** Lines that a tile of this height shows; undefined: all there are. */
export function linesFor(height: number, ratio: number): number | undefined {
  return STEPS.find((step) => step < 720 && height * ratio <= step);
}

/** Asks everybody for a picture as large as its tile, and those on other pages for none. */
export function usePictureSizes(rects: ReadonlyMap<string, Rect>): void {
  const ids = useStore(call, (s) => s.peers.map(({ id }) => id).join(' '));
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const id of ids.split(' ').filter(Boolean)) {
        const rect = rects.get(id);
        call.sdkCall?.limitVideo(rect ? linesFor(rect.h, devicePixelRatio) : 0, id);
      }
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [rects, ids]);
}
