'use client';
import { loadedPart } from '../../ui/part.tsx';

/** Loaded for who watches and listens only. */
export const Watching = loadedPart<object>(async () => (await import('./watching.tsx')).Watching);
