/** `npm run arrows` sees what it is there for: each rule of .dependency-cruiser.mjs is red on a file that breaks it. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const script = resolve(import.meta.dirname, '../scripts/arrows.mjs');

/** Runs the check in a folder that holds `files`; returns what it printed and its exit code. */
async function arrows(files: Record<string, string>): Promise<{ output: string; code: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'arrows-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const folders = [...new Set(Object.keys(files).map((name) => name.split('/')[0] ?? ''))];
  return promisify(execFile)(process.execPath, [script, ...folders], { cwd: folder }).then(
    ({ stdout }) => ({ output: stdout, code: 0 }),
    ({ stdout, code }) => ({ output: stdout, code }),
  );
}

test('an import circle, even one of types alone', async () => {
  const { output, code } = await arrows({
    'packages/rtc/src/a.ts': "import type { B } from './b.ts';\nexport interface A { b: B }\n",
    'packages/rtc/src/b.ts': "import type { A } from './a.ts';\nexport interface B { a: A }\n",
  });
  expect(output).toContain('no-circle: packages/rtc/src/a.ts → packages/rtc/src/b.ts → packages/rtc/src/a.ts');
  expect(code).toBe(1);
});

test.each([
  ['packages/protocol/src/x.ts', '../../rtc/src/y.ts'],
  ['packages/rtc/src/x.ts', '../../../apps/auth/src/y.ts'],
  ['apps/auth/src/x.ts', '../../signaling/src/config.ts'],
  ['infra/src/x.ts', '../../apps/auth/src/app.ts'],
  ['apps/client/src/x.ts', '../../../packages/service/src/y.ts'],
])('%s may not import %s', async (from, to) => {
  const target = join(dirname(from), to);
  const { output, code } = await arrows({
    [from]: `export const x = await import('${to}');\n`,
    [target]: 'export const y = 1;\n',
  });
  expect(output).toContain(`arrows-of-`);
  expect(output).toContain(`${from} → ${target}`);
  expect(code).toBe(1);
});

test('an arrow that points the right way, and a test that looks from outside, are fine', async () => {
  const { output, code } = await arrows({
    'infra/src/x.ts': "import { y } from '../../apps/auth/src/config.ts';\nexport const x = y;\n",
    'apps/auth/src/config.ts': 'export const y = 1;\n',
    'packages/rtc/src/z.test.ts': "import { y } from '../../../apps/auth/src/config.ts';\nexport const z = y;\n",
  });
  expect(output).toContain('0 violations');
  expect(code).toBe(0);
});
