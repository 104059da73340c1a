import { Store, useStore } from '@tandem/react';
import type { Feature, Look } from '../look.ts';

/** The look of this deployment; empty until config.json says otherwise. */
export const look = new Store<Look>({});

export const useFeature = (feature: Feature): boolean => useStore(look, ({ off }) => !off?.includes(feature));
