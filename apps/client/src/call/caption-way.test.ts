import { expect, test } from 'vitest';
import { nearestLanguage } from './caption-way.ts';

test('the language of the service: the same, else another of its region, else none', () => {
  const offered = ['en', 'pt-BR', 'pt-PT', 'zh-Hans'];
  expect(nearestLanguage('en-GB', offered)).toBe('en');
  expect(nearestLanguage('pt-PT', offered)).toBe('pt-PT');
  expect(nearestLanguage('pt', offered)).toBe('pt-BR');
  expect(nearestLanguage('zh', offered)).toBe('zh-Hans');
  for (const none of ['de', '', 'e']) expect(nearestLanguage(none, offered)).toBeUndefined();
});
