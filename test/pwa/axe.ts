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
export const misfitsOf = async (page: Page): Promise<string[]> => [
  ...(await cutWordsOf(page)),
  ...(await misplacedOf(page)),
];

const cutWordsOf = (page: Page): Promise<string[]> =>
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
      const { overflowX, overflowY, textOverflow, clipPath, webkitLineClamp } = getComputedStyle(element);
      // For screen readers alone.
      if (clipPath === 'inset(50%)') continue;
      const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
      );
      if (!hasText && !isControl) continue;
      const isCut =
        (overflowX === 'hidden' && textOverflow !== 'ellipsis' && element.scrollWidth > element.clientWidth + 1) ||
        (overflowY === 'hidden' && webkitLineClamp === 'none' && element.scrollHeight > element.clientHeight + 2);
      if (isCut) found.push(`cut: ${nameOf(element)}`);
      const hasBadge = [...element.children].some((child) => getComputedStyle(child).position === 'absolute');
      if (isControl && !hasBadge && overflowX === 'visible' && element.scrollWidth > element.clientWidth + 1)
        found.push(`too narrow for its words: ${nameOf(element)}`);
    }
    return [...new Set(found)];
  });

/** What lies on the wrong side in a page of either direction, is squeezed, or is covered by something that is not modal. */
const misplacedOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const nameOf = (element: Element) =>
      `${element.localName}.${element.getAttribute('data-testid') ?? element.className} "${element.textContent?.slice(0, 40)}"`;
    const visible = <E extends Element>(selector: string) =>
      [...document.querySelectorAll<E>(selector)].filter((one) =>
        one.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
      );
    const pageRunsTo = getComputedStyle(document.documentElement).direction;
    for (const field of visible<HTMLInputElement>('[dir=auto]:placeholder-shown'))
      if (getComputedStyle(field).direction !== pageRunsTo)
        found.push(`placeholder on the other side: ${nameOf(field)}`);
    for (const element of visible<HTMLElement>('body *')) {
      const { textOverflow, direction } = getComputedStyle(element);
      if (textOverflow !== 'ellipsis' || element.scrollWidth <= element.clientWidth + 1) continue;
      const strong = /[\p{Script=Latin}\u0590-\u08ff]/u.exec(element.textContent ?? '')?.[0] ?? '';
      const runsTo = /\p{Script=Latin}/u.test(strong) ? 'ltr' : 'rtl';
      if (strong && runsTo !== direction) found.push(`cut at its beginning: ${nameOf(element)}`);
    }
    for (const button of visible<HTMLElement>('.icon-button')) {
      const { width, height } = button.getBoundingClientRect();
      if (Math.abs(width - height) > 1) found.push(`squeezed to ${width} × ${height}: ${button.ariaLabel}`);
    }
    for (const element of visible<HTMLElement>('bdi, body [dir=ltr]')) {
      const { display, direction, textAlign } = getComputedStyle(element);
      const around = element.parentElement && getComputedStyle(element.parentElement).direction;
      if (!display.startsWith('inline') && direction !== around && textAlign === 'start' && element.textContent?.trim())
        found.push(`on the other side than its row: ${nameOf(element)}`);
    }
    for (const initials of visible<HTMLElement>('.tile .avatar')) {
      const [inner, tile] = [initials.getBoundingClientRect(), initials.closest('.tile')?.getBoundingClientRect()];
      if (tile && (inner.top < tile.top || inner.bottom > tile.bottom))
        found.push(`cut by its tile: ${nameOf(initials)}`);
    }
    for (const note of visible<HTMLElement>('.note'))
      if (note.scrollHeight > note.clientHeight + 1) found.push(`what helps is out of sight: ${nameOf(note)}`);
    const modal = document.querySelector('dialog[open]');
    // In a list each row has its own.
    const filled = visible<HTMLElement>('.button.primary').filter(
      (one) => !one.closest('li') && (!modal || modal.contains(one)),
    );
    if (filled.length > 1) found.push(`${filled.length} filled buttons: ${filled.map(nameOf).join(', ')}`);
    // A menu lies over the page until it is closed.
    if (modal || document.querySelector('.popover')) return found;
    for (const button of filled) {
      const { left, right, top, bottom } = button.getBoundingClientRect();
      for (const [x, y] of [
        [left + 8, (top + bottom) / 2],
        [right - 8, (top + bottom) / 2],
        [(left + right) / 2, top + 4],
        [(left + right) / 2, bottom - 4],
      ] as const) {
        const over = document.elementFromPoint(x, y);
        // On a phone a panel covers the stage.
        if (over && !button.contains(over) && !over.closest('.panel'))
          found.push(`${nameOf(button)} is covered by ${nameOf(over)}`);
      }
    }
    return [...new Set(found)];
  });
