/** Size of the package: `npm run size`; fails above the budget. */
import { join } from 'node:path';
import { reportSize, type Size, sizeOf } from '../../scripts/lib/package-kit.ts';

/** Bytes of gzip. */
export const BUDGET = 2 * 1024;

export const measure = (): Promise<Size> => sizeOf(join(import.meta.dirname, 'src/index.ts'));

if (import.meta.main) reportSize('@tandem/embed', await measure(), BUDGET);
