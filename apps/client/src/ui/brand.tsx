'use client';
import { useStore } from '@tandem/react';
import { look } from '../lib/look-store.ts';
import { Mark } from './mark.tsx';

/** The logo of the deployment, or ours. */
export function Logo({ size = 30 }: { size?: number }) {
  const logo = useStore(look, (s) => s.logo);
  // A path without the page's base: operators write the whole one.
  return logo ? <img className="logo" src={logo} height={size} alt="" /> : <Mark size={size} />;
}

export const useBrandName = (): string => useStore(look, (s) => s.name ?? 'Tandem');
