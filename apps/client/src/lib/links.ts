/** A part of a text: plain, or the address of a page. */
export interface TextPart {
  readonly text: string;
  readonly href?: string;
}

/** Web addresses only: no other scheme is ever a link. What closes a sentence or a bracket is not part of it. */
const ADDRESS = /https?:\/\/[^\s<>"']+/giu;
const TAIL = /[.,:;!?…)\]}»”’]+$/u;
/** Links of one text; a wall of them stays text. */
const MOST = 50;

/** The text with its web addresses. What joins up is the text, unchanged. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of [...text.matchAll(ADDRESS)].slice(0, MOST)) {
    const shown = withoutTail(match[0]);
    if (!URL.canParse(shown) || new URL(shown).host === '') continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: shown, href: new URL(shown).href });
    from = match.index + shown.length;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from) });
  return parts;
}

/** A closing bracket belongs to the address when it opens in it too: wikis have those. */
function withoutTail(address: string): string {
  const [tail = ''] = TAIL.exec(address) ?? [];
  const bare = address.slice(0, address.length - tail.length);
  return tail.startsWith(')') && bare.includes('(') ? `${bare})` : bare;
}
