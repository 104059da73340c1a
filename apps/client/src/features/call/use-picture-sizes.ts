'use client';
import { useStore } from '@tandem/react';
import { useEffect } from 'react';
import { call } from '../../call/call-model.ts';
import { pipShown } from '../../call/pip-people.ts';
import type { Rect } from './tile-layout.ts';

/** Tiles must rest for this long, ms, before pictures change: a window that is being resized asks for nothing. */
const REST_MS = 700;
/** Steps that encoders and media nodes have. */
const STEPS = [180, 360, 720] as const;

/** Lines that a tile of this height shows; undefined: all there are. */
export function linesFor(height: number, ratio: number): number | undefined {
  return STEPS.find((step) => step < 720 && height * ratio <= step);
}

/** Height of a tile in the small window, px, with two or more of them. */
const PIP_TILE = 180;

/** What is wanted of one person. @param pip ids of whom the small window shows @returns as `linesFor`; 0: no picture */
export function wantedLines(
  id: string,
  rects: ReadonlyMap<string, Rect>,
  pip: readonly string[],
  ratio: number,
): number | undefined {
  const rect = rects.get(id);
  if (rect) return linesFor(rect.h, ratio);
  return pip.includes(id) ? linesFor(PIP_TILE, ratio) : 0;
}

/** Asks everybody for a picture as large as its tile, and those that nothing shows for none. */
export function usePictureSizes(rects: ReadonlyMap<string, Rect>): void {
  const ids = useStore(call, (s) => s.peers.map(({ id }) => id).join(' '));
  const pip = useStore(pipShown, (s) => s.ids);
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const id of ids.split(' ').filter(Boolean))
        call.sdkCall?.limitVideo(wantedLines(id, rects, pip, devicePixelRatio), id);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [rects, ids, pip]);
}
