/** Has the browser compile the scripts of the first load whole, on a thread of its own while they arrive, in place of function by function while they run. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Chromium from 136 on reads it as the first line (https://github.com/WICG/explicit-javascript-compile-hints-file-based); elsewhere it is a comment.
 * For what runs at once alone: it would compile code in vain that is loaded in advance.
 */
const HINT = '//# allFunctionsCalledOnLoad\n';

/** Scripts of a page as scripts/paint-first.ts left it: those that boot.ts runs, and the entry in the body. */
const FIRST = /<(?:link|script)\b[^>]*\s(?:href|src)="([^"]+\.js)"[^>]*>/g;

/** Addresses of the scripts that the page loads by itself, without those for old browsers. */
export const firstScripts = (html: string): string[] =>
  [...html.matchAll(FIRST)].filter(([tag]) => !/nomodule/i.test(tag)).map(([, address = '']) => address);

/**
 * Marks those of `pages` in `out`. @param base path of the page, e.g. `/calls`
 * @returns how many. @throws Error when a page names none: Next writes pages in another way then
 */
export async function hintScripts(out: string, pages: readonly string[], base: string): Promise<number> {
  const found = new Set<string>();
  for (const page of pages) {
    const scripts = firstScripts(await readFile(path.join(out, page), 'utf8'));
    if (scripts.length === 0) throw new Error(`${page}: no script that is loaded first`);
    for (const script of scripts) found.add(script.slice(base.length));
  }
  for (const script of found) {
    const file = path.join(out, script);
    const code = await readFile(file, 'utf8');
    if (!code.startsWith(HINT)) await writeFile(file, HINT + code);
  }
  return found.size;
}
