'use client';
import { loadedPart } from '../../ui/part.tsx';
import type { InsideProps } from './inside.tsx';

/** A lobby that cannot say who is inside is a lobby all the same. */
export const Inside = loadedPart<InsideProps>(async () => (await import('./inside.tsx')).Inside, {
  fallback: () => null,
});
