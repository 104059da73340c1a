/** The docs are part of the product: links lead somewhere, commands exist, diagrams render, generated pages are fresh. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SERVICE_EVENTS } from '@tandem/service';
import { SLOS, THRESHOLDS } from '@tandem/service/kpi';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { AUTH_EVENTS } from '../apps/auth/src/log-events.ts';
import { CAPTIONS_EVENTS } from '../apps/captions/src/log-events.ts';
import { HOOKS_EVENTS } from '../apps/hooks/src/log-events.ts';
import { SIGNALING_EVENTS } from '../apps/signaling/src/log-events.ts';
import { topology } from '../infra/topology/index.ts';
import { apiReference } from '../scripts/api-reference.mjs';
import { checkDoc, diagramsOf, markdownFiles } from '../scripts/check-docs.ts';
import { generateDocs } from '../scripts/generate-docs.ts';

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');

test('every link, npm script and file that a document names is there', () => {
  const problems = markdownFiles(root).flatMap((file) => checkDoc(root, file));
  expect(problems).toEqual([]);
});

test('the check goes red: a dead link, a missing heading, script, workspace, file, benchmark, test and project', () => {
  const text = [
    '[a](nowhere.md) [b](../README.md#no-such-heading) [fine](../README.md) [web](https://example.org) <img src="gone.png">',
    'Run `npm run no-such-script`, `npm run types -w @tandem/nothing`, `node scripts/nothing.ts` or `npm test`.',
    '```sh',
    'npm ci && npm run nope',
    '```',
    '',
    '    node examples/nothing/main.ts',
    '    npm run bench -- nothing',
    '    npx vitest run --project system examples/nothing',
    '    npx vitest run --project nothing apps/auth',
  ].join('\n');
  expect(checkDoc(root, 'docs/made-up.md', text).map((p) => [p.line, p.problem.split(':')[0]])).toEqual([
    [1, 'dead link'],
    [1, 'no such heading'],
    [1, 'dead link'],
    [2, 'no such npm script'],
    [2, 'no such workspace'],
    [2, 'no such file'],
    [4, 'no such npm script'],
    [7, 'no such file'],
    [8, 'no such benchmark'],
    [9, 'no such test'],
    [10, 'no such project'],
  ]);
});

test('generated pages are fresh (node scripts/generate-docs.ts writes them)', () => {
  for (const [path, text] of Object.entries(generateDocs())) expect(read(path), path).toBe(text);
});

test('every public name of the SDKs has a docstring', () => {
  for (const name of ['rtc', 'server', 'embed', 'react'])
    expect(apiReference(root, `packages/${name}/src/index.ts`).undocumented, name).toEqual([]);
});

test('every alarm has a runbook with meaning, first look and mitigation; every runbook an alarm', () => {
  const infra = readdirSync(resolve(root, 'infra/src'))
    .filter((f) => f.endsWith('.ts'))
    .map((f) => read(`infra/src/${f}`))
    .join('\n');
  const named = new Set([...SLOS, ...THRESHOLDS].map((a) => a.runbook));
  for (const [, runbook = ''] of infra.matchAll(/(?:addAlarm|each)\(\s*[^,]+,\s*(?:'[^']*'|`[^`]*`),\s*'([a-z-]+)'/g))
    named.add(runbook);
  for (const [, runbook = ''] of infra.matchAll(/runbook: '([a-z-]+)'/g)) named.add(runbook);
  for (const [service, { kind }] of Object.entries(topology))
    if (kind === 'service') named.add(`${service}-tasks-missing`);
  const pages = readdirSync(resolve(root, 'docs/runbooks')).map((f) => f.replace(/\.md$/, ''));
  expect(pages.filter((p) => p !== 'README').sort()).toEqual([...named].sort());
  for (const page of named)
    for (const heading of ['## What it means', '## First look', '## Mitigation'])
      expect(read(`docs/runbooks/${page}.md`), page).toContain(heading);
});

test('CloudWatch watches the objectives and thresholds that the docs promise: infra reads the same list', () => {
  const names = readdirSync(resolve(root, 'infra/src'))
    .filter((f) => f.endsWith('.ts'))
    .flatMap((f) => [...read(`infra/src/${f}`).matchAll(/import \{([^}]*)\} from '@tandem\/service\/kpi'/g)])
    .flatMap(([, list = '']) => list.split(',').map((n) => n.trim()));
  expect(names).toEqual(expect.arrayContaining(['BURN_RATES', 'MIN_EVENTS', 'SLOS', 'THRESHOLDS']));
});

test('every threat names tests that hold its answer, by the beginning of their titles', () => {
  const rows = read('SECURITY.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (Threat|---) /.test(line));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const held = [...(row.split(' | ').at(-1) ?? '').matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)];
    expect(held.length, row).toBeGreaterThan(0);
    for (const [, title = '', file = ''] of held)
      expect(
        titlesOf(read(file)).some((t) => t.startsWith(title)),
        `${file}: ${title}`,
      ).toBe(true);
  }
});

/** Titles of the tests in a source. */
function titlesOf(source: string): string[] {
  return [...source.matchAll(/\btest(?:\.each\((?:\w+|[\s\S]*?\n\s*\](?: as const)?)\))?\(\s*(['`])(.*?)\1,/g)].map(
    ([, , title = '']) => title,
  );
}

test('every log event has its meaning written down, and every one written down exists', () => {
  const sources = [
    'apps/signaling/src',
    'apps/auth/src',
    'apps/hooks/src',
    'apps/captions/src',
    'packages/service/src',
  ].flatMap((dir) =>
    readdirSync(resolve(root, dir), { recursive: true, encoding: 'utf8' })
      .filter(
        (f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && !f.includes('testing') && !f.endsWith('log-events.ts'),
      )
      .map((f) => read(`${dir}/${f}`)),
  );
  const used = new Set<string>();
  for (const text of sources)
    for (const [, a, b] of text.matchAll(/\bevent: '([a-z._-]+)'|\blog\?\.\('\w+', '([a-z._-]+)'/g))
      used.add(a ?? b ?? '');
  const known: string[] = Object.keys({
    ...SERVICE_EVENTS,
    ...SIGNALING_EVENTS,
    ...AUTH_EVENTS,
    ...HOOKS_EVENTS,
    ...CAPTIONS_EVENTS,
  });
  expect([...used].filter((e) => !known.includes(e))).toEqual([]);
  // Made from parts: breaker.<state>, message.<hop>.
  expect(known.filter((e) => !used.has(e) && !/^(breaker|message)\./.test(e))).toEqual([]);
});

test('every diagram renders', async () => {
  const path = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((p) => existsSync(p));
  if (!path) throw new Error('Chromium is missing: apt-get install chromium');
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ path: resolve(root, 'node_modules/mermaid/dist/mermaid.min.js') });
    const diagrams = markdownFiles(root).flatMap((file) => diagramsOf(read(file)).map((d) => ({ file, ...d })));
    expect(diagrams.length).toBeGreaterThan(5);
    const render = (code: string) =>
      page.evaluate(async (text) => {
        // biome-ignore lint/suspicious/noExplicitAny: the page's global
        const { mermaid } = globalThis as any;
        mermaid.initialize({ startOnLoad: false });
        return mermaid.render('d', text).then(
          (r: { svg: string }) => r.svg.length,
          (e: unknown) => String(e),
        );
      }, code);
    for (const d of diagrams) expect(await render(d.code), `${d.file}:${d.line}`).toBeTypeOf('number');
    expect(await render('flowchart LR\n  a -->')).toBeTypeOf('string');
  } finally {
    await browser.close();
  }
});
