/** Size of the SDK as a page loads it: `npm run size`; fails above the budget. */
import { join } from 'node:path';
import { reportSize, type Size, sizeOf } from '../../scripts/lib/package-kit.ts';

/** Bytes of gzip. Calls through media nodes are 3.4 KB of it, chat history and files 2.1 KB; encryption is a module of its own. */
export const BUDGET = 30 * 1024;

export const measure = (entry = 'src/index.ts'): Promise<Size> =>
  sizeOf(join(import.meta.dirname, entry), { platform: 'browser' });

if (import.meta.main) {
  reportSize('@tandem/rtc', await measure(), BUDGET);
  reportSize('  of it, session alone', await measure('src/session.ts'), BUDGET);
}
