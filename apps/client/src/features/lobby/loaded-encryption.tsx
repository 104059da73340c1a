'use client';
import { loadedPart } from '../../ui/part.tsx';
import type { EncryptProps } from './encryption.tsx';

/** Loaded after the lobby stands: joining does not wait for it. */
export const Encrypt = loadedPart<EncryptProps>(async () => (await import('./encryption.tsx')).Encrypt, {
  fallback: () => null,
});
