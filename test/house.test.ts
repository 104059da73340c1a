/** Rules of docs/style.md that no linter knows. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

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
