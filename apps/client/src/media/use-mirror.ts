'use client';
import { useStore } from '@tandem/react';
import { preferences } from '../lib/preferences.ts';
import { localMedia } from './local-media.ts';

/** Is my own picture shown as in a mirror? Never what a phone sees in front of it: letters there are to be read. */
export function useMirror(): boolean {
  const wanted = useStore(preferences, (p) => p.mirror);
  const away = useStore(localMedia, (s) => s.facing === 'environment');
  return wanted && !away;
}
