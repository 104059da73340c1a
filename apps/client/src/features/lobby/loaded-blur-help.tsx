'use client';
import { loadedPart } from '../../ui/part.tsx';

/** Loaded when the blur was wanted and does not run. */
export const BlurHelp = loadedPart<object>(async () => (await import('./blur-help.tsx')).BlurHelp);
