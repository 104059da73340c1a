/** Turns the scripts that Next puts into a page's head into preloads, which `src/app/boot.ts` runs once the page is painted. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** As Next writes them. Scripts for old browsers (`noModule`) are no `async` ones and stay. */
const SCRIPT = /<script src="([^"]+)" async=""><\/script>/g;

/**
 * The page with each async script of its head as `<link rel="preload" data-run>`. The body keeps its own: it only registers the
 * page's entry, and keeps the load event from firing before it is there.
 */
export function paintFirst(html: string): { html: string; scripts: number } {
  const end = html.indexOf('</head>');
  let scripts = 0;
  const head = html.slice(0, end).replace(SCRIPT, (_, source: string) => {
    scripts++;
    return `<link rel="preload" as="script" fetchPriority="low" href="${source}" data-run=""/>`;
  });
  return { html: head + html.slice(end), scripts };
}

/** @throws Error when Next writes a page in another way: boot.ts would not find its scripts */
function checked(page: string, { html, scripts }: ReturnType<typeof paintFirst>): string {
  if (scripts === 0) throw new Error(`${page}: no async script in its head`);
  if (html.lastIndexOf(' data-run=""') > html.indexOf('link[data-run]'))
    throw new Error(`${page}: a script stands behind the boot script, which would not run it`);
  return html;
}

/** Rewrites each page of `out`. @throws Error when Next writes them in another way */
export async function paintPagesFirst(out: string): Promise<void> {
  const pages = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('.html'));
  for (const page of pages) {
    const file = path.join(out, page);
    await writeFile(file, checked(page, paintFirst(await readFile(file, 'utf8'))));
  }
}
