import { expect, onTestFinished, test, vi } from 'vitest';
import { captionWay, nearestLanguage } from './caption-way.ts';

test('the language of the service: the same, else another of its region, else none', () => {
  const offered = ['en', 'pt-BR', 'pt-PT', 'zh-Hans'];
  expect(nearestLanguage('en-GB', offered)).toBe('en');
  expect(nearestLanguage('pt-PT', offered)).toBe('pt-PT');
  expect(nearestLanguage('pt', offered)).toBe('pt-BR');
  expect(nearestLanguage('zh', offered)).toBe('zh-Hans');
  for (const none of ['de', '', 'e']) expect(nearestLanguage(none, offered)).toBeUndefined();
});

test('the sound of an encrypted call goes to no service; a browser that recognizes here needs none', async () => {
  onTestFinished(() => void vi.unstubAllGlobals());
  vi.stubGlobal('document', { documentElement: { lang: 'en' } });
  vi.stubGlobal('navigator', { languages: ['en-GB'] });
  vi.stubGlobal('location', { search: '' });
  vi.stubGlobal('fetch', async () => Response.json({ captionLanguages: ['en'] }));
  expect(await captionWay(undefined)).toBe('service');
  expect(await captionWay('a secret')).toBe('encrypted');
  vi.stubGlobal('SpeechRecognition', { available: async () => 'available' });
  expect([await captionWay(undefined), await captionWay('a secret')]).toEqual(['device', 'device']);
});
