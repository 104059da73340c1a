/** Rules of docs/style.md that no linter knows. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { measureSources } from '../scripts/lib/house-counts.mjs';

const root = new URL('../', import.meta.url);

/** Names of the classes in `text` that extend an error and do not end in `Error`. */
function misnamedErrors(text: string): string[] {
  const classes = [...text.matchAll(/\bclass (\w+) extends (?:\w+\.)?(\w*Error)\b/g)];
  return classes.flatMap(([, name = '']) => (name.endsWith('Error') ? [] : [name]));
}

test('error classes end in Error', () => {
  expect(misnamedErrors('export class GiveUp extends Error {}\nclass BadError extends ApiError {}')).toEqual([
    'GiveUp',
  ]);
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.split('\n').filter((file) => file !== '' && file !== 'test/house.test.ts');
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) =>
    misnamedErrors(readFileSync(new URL(file, root), 'utf8')).map((name) => `${file}: ${name}`),
  );
  expect(found).toEqual([]);
});

/**
 * Findings of `npm run house -- --list` that remain, by folder: [functions over 60 lines, files over 300 lines, avoided words]. They only
 * go down: lower a number with the change that makes it smaller.
 */
const REMAINING: Record<string, [functions: number, files: number, words: number]> = {
  'packages/protocol/': [0, 0, 0],
  'packages/rtc/': [0, 0, 2],
  'packages/server/': [0, 0, 0],
  'packages/embed/': [0, 0, 0],
  'packages/react/': [0, 0, 0],
  'packages/cli/': [0, 0, 0],
  'packages/service/': [0, 0, 0],
  'apps/auth/': [0, 0, 0],
  'apps/captions/': [0, 0, 0],
  'apps/hooks/': [0, 0, 0],
  'apps/signaling/': [1, 0, 3],
  'apps/client/': [0, 0, 13],
  'infra/': [0, 0, 0],
  'scripts/': [0, 0, 0],
  'examples/': [0, 0, 0],
};

test('long functions, long files and avoided words grow in no folder', () => {
  const { functions, files, words } = measureSources(fileURLToPath(root));
  for (const [folder, limits] of Object.entries(REMAINING)) {
    const found = [functions, files, words].map((entries) => entries.filter((entry) => entry.startsWith(folder)));
    for (const [i, limit] of limits.entries())
      if ((found[i]?.length ?? 0) > limit)
        expect.fail(`${folder}: more than ${limit}, see docs/style.md and docs/glossary.md:\n${found[i]?.join('\n')}`);
  }
});
