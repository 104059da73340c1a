import { whenIdle } from './when-idle.ts';

/** Somebody is there: what they do next may be to join. */
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;
/** Without a sign, after this time, ms. Longer than a phone needs for what the page shows at first. */
const LATE_MS = 5000;

/** Runs, when idle, after the first sign of a person or after five seconds. @returns what calls it off */
export function whenWanted(run: () => void): () => void {
  let stopIdle = () => {};
  const stop = () => {
    clearTimeout(timer);
    for (const sign of SIGNS) removeEventListener(sign, go, true);
    stopIdle();
  };
  const go = () => {
    stop();
    stopIdle = whenIdle(run);
  };
  const timer = setTimeout(go, LATE_MS);
  for (const sign of SIGNS) addEventListener(sign, go, { capture: true, passive: true });
  return stop;
}
