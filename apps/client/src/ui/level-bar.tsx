'use client';
import { useEffect, useRef } from 'react';
import { useText } from '../i18n/index.ts';
import { toMeter } from '../media/level-meter.ts';

/** Live level, drawn straight into the DOM: no render per frame. */
export function LevelBar({ read }: { read: () => number }) {
  const bar = useRef<HTMLElement>(null);
  const t = useText();
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
    <div className="level" role="img" aria-label={t('media.level')}>
      <i ref={bar} />
    </div>
  );
}
