/** Size of the package without React and @tandem/rtc: `npm run size`; fails above the budget. */
import { join } from 'node:path';
import { reportSize, type Size, sizeOf } from '../../scripts/lib/package-kit.ts';

/** Bytes of gzip. */
export const BUDGET = 4 * 1024;

export const measure = (): Promise<Size> =>
  sizeOf(join(import.meta.dirname, 'src/index.ts'), {
    external: ['react', 'react/jsx-runtime', '@tandem/rtc'],
    jsx: 'automatic',
  });

if (import.meta.main) reportSize('@tandem/react', await measure(), BUDGET);
