import type { Feature, Look } from '../look.ts';
import { Store, useStore } from './store.ts';

/** The look of this deployment; empty until config.json says otherwise. */
export const look = new Store<Look>({});

export const useFeature = (feature: Feature): boolean => useStore(look, ({ off }) => !off?.includes(feature));
