import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiReport, KNOWN_PROPS, knownProps, REPORT } from './api-report.ts';

test('the public API is what infra/api-report.txt says (npm run api writes it), and constructs know its properties', () => {
  const report = apiReport();
  expect(report).toBe(readFileSync(REPORT, 'utf8'));
  expect(knownProps(report)).toBe(readFileSync(KNOWN_PROPS, 'utf8'));
});
