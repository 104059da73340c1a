import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiReport, REPORT } from './api-report.ts';

test('the public API is what infra/api-report.txt says (npm run api writes it)', () => {
  expect(apiReport()).toBe(readFileSync(REPORT, 'utf8'));
});
