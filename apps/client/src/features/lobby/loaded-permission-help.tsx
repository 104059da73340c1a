'use client';
import { loadedPart } from '../../ui/part.tsx';

/** Loaded when camera or microphone are refused: most people never read it. */
export const PermissionHelp = loadedPart<object>(async () => (await import('./permission-help.tsx')).PermissionHelp);
