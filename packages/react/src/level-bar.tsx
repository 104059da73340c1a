'use client';
import { useEffect, useRef } from 'react';
import { toMeter } from './level-meter.ts';

/** What {@link LevelBar} shows. */
export interface LevelBarProps {
  /** Loudness now, 0 to 1: read at every animation frame. Keep the same function. */
  readonly read: () => number;
  /** What screen readers call it. */
  readonly label: string;
  readonly className?: string;
}

/** Live level, drawn straight into the DOM (`scaleX` of the `<i>` in it): no render per frame. */
export function LevelBar({ read, label, className }: LevelBarProps) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    let frame = 0;
    let shown = 0;
    const draw = () => {
      shown = Math.max(toMeter(read()), shown * 0.88);
      if (bar.current) bar.current.style.transform = `scaleX(${shown.toFixed(3)})`;
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [read]);
  return (
    <div className={className} role="img" aria-label={label}>
      <i ref={bar} />
    </div>
  );
}
