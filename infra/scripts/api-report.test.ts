import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiReport, REPORT } from './api-report.ts';

test('the public API is what infra/api-report.txt says (npm run api writes it), in a shape that jsii accepts', () => {
  const report = apiReport();
  expect(report).toBe(readFileSync(REPORT, 'utf8'));
  // No generics of ours, no Map or Set, no union of literals, and every property of a struct is readonly.
  expect(report).not.toMatch(/\b(Map|Set|Record|Partial)</);
  for (const [, name = '', body = ''] of report.matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)^\}/gm))
    for (const line of body.split('\n').filter((one) => /^ {4}\w+\??:/.test(one)))
      expect(line, name).toMatch(/^ {4}readonly /);
});
