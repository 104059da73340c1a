/** Size of the SDK: `npm run size`; fails above the budget. */
import { join } from 'node:path';
import { reportSize, type Size, sizeOf } from '../../scripts/lib/package-kit.ts';

/** Bytes of gzip. */
export const BUDGET = 5.25 * 1024;

export const measure = (): Promise<Size> =>
  sizeOf(join(import.meta.dirname, 'src/index.ts'), { target: 'node20.3', platform: 'node' });

if (import.meta.main) reportSize('@tandem/server', await measure(), BUDGET);
