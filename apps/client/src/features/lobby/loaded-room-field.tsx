'use client';
import { loadedPart } from '../../ui/part.tsx';
import type { RoomFieldProps } from './room-field.tsx';

/** Loaded when somebody has a link or a code to type or paste. */
export const RoomField = loadedPart<RoomFieldProps>(async () => (await import('./room-field.tsx')).RoomField);
