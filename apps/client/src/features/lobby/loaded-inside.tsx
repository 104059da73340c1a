'use client';
import { loadedPart } from '../../ui/part.tsx';

/** A lobby that cannot say who is inside is a lobby all the same. */
export const Inside = loadedPart<{ room: string }>(async () => (await import('./inside.tsx')).Inside, {
  fallback: () => null,
});
