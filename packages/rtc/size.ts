/**
 * Size of the SDK as a page loads it: bundled, minified, gzip, everything exported in use, without tree shaking's help.
 * `npm run size`; fails above the budget.
 */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bytes of gzip. Calls through media nodes are 3.3 KB of it, chat history and files 1.8 KB; encryption is a module of its own. */
export const BUDGET = 27 * 1024;

export async function measure(entry = 'src/index.ts'): Promise<{ minified: number; gzip: number }> {
  const result = await build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
  });
  const bytes = result.outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}

if (import.meta.main) {
  const whole = await measure();
  const session = await measure('src/session.ts');
  const line = (name: string, { minified, gzip }: { minified: number; gzip: number }) =>
    console.log(`${name.padEnd(24)} ${String(minified).padStart(7)} B minified ${String(gzip).padStart(7)} B gzip`);
  line('@tandem/rtc', whole);
  line('  of it, session alone', session);
  console.log(`${whole.gzip <= BUDGET ? 'within' : 'ABOVE'} the budget of ${BUDGET} B gzip`);
  if (whole.gzip > BUDGET) process.exitCode = 1;
}
