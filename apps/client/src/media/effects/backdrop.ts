import { Store } from '@tandem/react';
import type { Picture } from './pictures.ts';

/** The picture that is wanted and did not load: blur stands in for it. */
export const missingPicture = new Store<{ name: Picture | undefined }>({ name: undefined });
