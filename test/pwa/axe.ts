/** What is wrong with a page for people who do not see it, or not well. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** WCAG 2.2 A and AA, and what axe advises beside them. */
export const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** Of these, the rules that look at colours: all that another scheme changes. */
export const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/** @returns a line for each rule that is broken, with where */
export async function violationsOf(page: Page, rules: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  return await page.evaluate(
    async (runOnly) => {
      const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
      const result = await axe.run(document, { runOnly });
      return result.violations.map(
        (v) =>
          `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary?.split('\n')[1]?.trim() ?? ''}`).join(', ')}`,
      );
    },
    [...rules],
  );
}

/** @returns a line for each thing that does not fit: a page that scrolls sideways, a button past its edge, words that are cut without a sign of it */
export const misfitsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const wide = document.documentElement.scrollWidth - innerWidth;
    const found = wide > 1 ? [`the page is ${wide} px too wide`] : [];
    const nameOf = (element: Element) =>
      `${element.localName}.${element.getAttribute('data-testid') ?? element.className} "${element.textContent?.slice(0, 40)}"`;
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const box = element.getBoundingClientRect();
      const isControl = element.matches('button, a, input, select, textarea');
      if (box.width <= 1 || box.height <= 1) continue;
      if (isControl && (box.left < -1 || box.right > innerWidth + 1)) found.push(`past the edge: ${nameOf(element)}`);
      const { overflowX, overflowY, textOverflow } = getComputedStyle(element);
      const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
      );
      if (!hasText && !isControl) continue;
      const isCut =
        (overflowX === 'hidden' && textOverflow !== 'ellipsis' && element.scrollWidth > element.clientWidth + 1) ||
        (overflowY === 'hidden' && element.scrollHeight > element.clientHeight + 2);
      if (isCut) found.push(`cut: ${nameOf(element)}`);
      if (isControl && overflowX === 'visible' && element.scrollWidth > element.clientWidth + 1)
        found.push(`too narrow for its words: ${nameOf(element)}`);
    }
    return [...new Set(found)];
  });
