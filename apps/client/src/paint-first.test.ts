import { expect, test } from 'vitest';
import { paintFirst } from '../scripts/paint-first.ts';

test('scripts of the head become preloads in their order; old browsers, the page itself and the body keep theirs', () => {
  const kept = '<script>boot()</script><script src="/old.js" noModule=""></script>';
  const body = '<body><script src="/entry.js" async=""></script></body>';
  const page = `<head><script src="/a.js" async=""></script><script src="/b.js" async=""></script>${kept}</head>${body}`;
  const preload = (file: string) => `<link rel="preload" as="script" fetchPriority="low" href="${file}" data-run=""/>`;
  expect(paintFirst(page)).toEqual({
    html: `<head>${preload('/a.js')}${preload('/b.js')}${kept}</head>${body}`,
    scripts: 2,
  });
});
