import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hintScripts } from '../scripts/compile-hints.ts';

const PAGE = `<head><link rel="stylesheet" href="/calls/a.css"/><link rel="preload" as="script" href="/calls/b.js" data-run=""/>
<script src="/calls/old.js" noModule=""></script></head><body><script src="/calls/c.js" async=""></script></body>`;

async function built(page: string): Promise<string> {
  const out = await mkdtemp(path.join(tmpdir(), 'out-'));
  onTestFinished(() => rm(out, { recursive: true }));
  const files = { 'index.html': page, 'a.css': 'a', 'b.js': 'b()', 'c.js': 'c()', 'later.js': 'd()', 'old.js': 'e()' };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(out, name), text);
  return out;
}

test('what the lobby runs at once is compiled whole while it arrives; the rest is not, and twice built is as once', async () => {
  const out = await built(PAGE);
  for (const _ of [1, 2]) expect(await hintScripts(out, ['index.html'], '/calls')).toBe(2);
  const read = (file: string) => readFile(path.join(out, file), 'utf8');
  for (const file of ['b', 'c']) expect(await read(`${file}.js`)).toBe(`//# allFunctionsCalledOnLoad\n${file}()`);
  expect([await read('later.js'), await read('old.js'), await read('a.css')]).toEqual(['d()', 'e()', 'a']);
});

test('a page without scripts fails the build: Next writes pages in another way then', async () => {
  await expect(hintScripts(await built('<head></head>'), ['index.html'], '')).rejects.toThrow('index.html');
});
