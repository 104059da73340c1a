/**
 * Prints the JavaScript that the lobby loads before it works, gzip (level 9), and fails above the budget:
 * `npm run size -w @tandem/client`. Those that boot.ts runs after the first paint count. Scripts for old browsers only (`nomodule`) are not counted: no supported one loads them.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** KB of 1000 bytes, as `npm run bench -- size` counts. */
const BUDGET_KB = 165;
const out = path.resolve(import.meta.dirname, '../out');
const base = (process.env.BASE_PATH ?? '').replace(/\/+$/, '');
const html = await readFile(path.join(out, 'index.html'), 'utf8');
const tags = [
  ...Array.from(html.matchAll(/<script[^>]*\ssrc="([^"]+)"[^>]*>/g)).filter(([tag]) => !/nomodule/i.test(tag)),
  ...html.matchAll(/<link[^>]*\shref="([^"]+)" data-run=""[^>]*>/g),
];
const files = new Set(tags.map(([, source = '']) => source.slice(base.length).split('?')[0] ?? ''));
let total = 0;
for (const file of files) {
  const bytes = gzipSync(await readFile(path.join(out, file)), { level: 9 }).length;
  total += bytes;
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} KB  ${file}`);
}
const kb = total / 1000;
console.log(`${kb.toFixed(1).padStart(7)} KB  first load of the lobby (budget ${BUDGET_KB} KB)`);
if (kb > BUDGET_KB) process.exitCode = 1;
