'use client';
import { type RefObject, useEffect, useState } from 'react';

/** Rows beyond both ends of what is seen: a quick turn of the wheel finds them there, and so do arrow keys. */
const SPARE_ROWS = 8;
/** Shorter lists are there as a whole: the browser's own search finds every name. */
const WHOLE_UP_TO = 60;
/** A row and the gap below it, rem; panel.css gives rows this height. */
const ROW_REM = 3.25;

/** Rows `from` (included) to `to` (excluded) exist; the rest is space of the same height. */
export interface VisibleRows {
  readonly from: number;
  readonly to: number;
  /** Space above and below, px. */
  readonly above: number;
  readonly below: number;
}

/** @param view what is seen of the list: its first pixel, and its height. @param row height of a row, px */
export function visibleRows(count: number, row: number, view: { top: number; height: number }): VisibleRows {
  if (count <= WHOLE_UP_TO) return { from: 0, to: count, above: 0, below: 0 };
  const rows = Math.ceil(view.height / row) + 2 * SPARE_ROWS;
  const from = Math.max(0, Math.min(count - rows, Math.floor(view.top / row) - SPARE_ROWS));
  const to = Math.min(count, from + rows);
  return { from, to, above: from * row, below: (count - to) * row };
}

/** The rows of a long list that can be seen where its panel is scrolled to. */
export function useVisibleRows(list: RefObject<HTMLElement | null>, count: number): VisibleRows {
  const [view, setView] = useState({ top: 0, height: 0 });
  const [row, setRow] = useState(52);
  const long = count > WHOLE_UP_TO;
  useEffect(() => {
    const element = list.current;
    const panel = element?.closest('.panel-scroll');
    if (!long || !element || !panel) return;
    const look = () => {
      const height = ROW_REM * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const top = panel.getBoundingClientRect().top - element.getBoundingClientRect().top;
      setRow(height);
      // By whole rows: scrolling within one changes nothing.
      setView({ top: Math.floor(top / height) * height, height: panel.clientHeight });
    };
    const observer = new ResizeObserver(look);
    observer.observe(panel);
    panel.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      panel.removeEventListener('scroll', look);
    };
  }, [list, long]);
  return visibleRows(count, row, view);
}
