'use client';
import { useEffect, useRef } from 'react';
import { toMeter } from './level-meter.ts';

/** What {@link LevelBar} shows. */
export interface LevelBarProps {
  /** Loudness now, 0 to 1: read about 15 times a second. Keep the same function. */
  readonly read: () => number;
  /** What screen readers call it. */
  readonly label: string;
  readonly className?: string;
}

/** Between two looks, ms: a level needs no frame of its own, and a page that draws each frame for it keeps a phone busy. */
const LOOK_MS = 66;

/** Live level, drawn straight into the DOM (`scaleX` of the `<i>` in it) when it has changed: no render, and no frame where it is quiet. */
export function LevelBar({ read, label, className }: LevelBarProps) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    let shown = 0;
    let drawn = '';
    const draw = () => {
      shown = Math.max(toMeter(read()), shown * 0.6);
      const next = `scaleX(${shown.toFixed(2)})`;
      if (next === drawn || !bar.current) return;
      drawn = next;
      bar.current.style.transform = next;
    };
    draw();
    const timer = setInterval(draw, LOOK_MS);
    return () => clearInterval(timer);
  }, [read]);
  return (
    <div className={className} role="img" aria-label={label}>
      <i ref={bar} />
    </div>
  );
}
