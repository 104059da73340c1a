import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { REPORT } from './api-report.ts';
import { compileJsii } from './jsii.ts';

test('jsii compiles the public API, all of it', async () => {
  const started = performance.now();
  // Below the repository, where jsii finds the packages that the API names.
  const out = join(import.meta.dirname, '../dist/jsii-test');
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const { types } = await compileJsii(out);
  console.log(`jsii: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const published = [
    ...readFileSync(REPORT, 'utf8').matchAll(/^export (?:declare )?(?:abstract )?(?:class|interface) (\w+)/gm),
  ];
  expect(Object.keys(types).sort()).toEqual(published.map(([, name]) => `@tandem/infra.${name}`).sort());
});
