/**
 * How a deployment's page looks and what it offers: `branding`, `languages` and `features` of config.json. Imports nothing: the construct
 * WebClient checks what it is given by the same reader, at synth. The page loads it only when config.json has one of the three.
 */

/** Parts of the page that can be taken away. What a person may do is decided by the grants of the token, not here. */
export const FEATURES = ['chat', 'reactions', 'screen', 'encryption'] as const;
export type Feature = (typeof FEATURES)[number];

export interface PageLink {
  readonly text: string;
  readonly href: string;
}

export interface Look {
  /** Product name in the header and in the title. */
  readonly name?: string;
  /** Path of an image on the page's own origin, or a data: address of one. */
  readonly logo?: string;
  /** Path of an image of 1200 × 630 px on the page's own origin, for previews of links. Read by the edge, not by the page. */
  readonly poster?: string;
  /** Of buttons and links, in the light scheme and in the dark one: `#rrggbb`. */
  readonly accent?: { readonly light: string; readonly dark: string };
  /** Below the form of the lobby. */
  readonly links?: readonly PageLink[];
  /** Languages on offer, the first for whose browser asks for none of them. */
  readonly languages?: readonly string[];
  /** Features that are switched off. */
  readonly off?: readonly Feature[];
}

/** Where the accent has to be readable: canvas of the page and text on a button, of tokens.css. */
const CANVAS = { light: '#f5f2ec', dark: '#0f1514' } as const;
const INKS = ['#ffffff', '#06231f'] as const;
/** WCAG 2.2, 1.4.3: text below 24 px. */
const READABLE = 4.5;
const MAX_LOGO_BYTES = 32_768;
const MAX_LINKS = 6;
/** Of the page, as BCP 47 tags. */
export const LANGUAGES = ['en', 'de', 'es', 'fr', 'pt-BR', 'ar', 'hi', 'ja', 'zh-Hans'];

/** Contrast of two colours `#rrggbb`, 1 to 21 (WCAG 2.2, relative luminance). */
export function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The text colour that reads better on `accent`. */
export const inkOn = (accent: string): string =>
  contrast(accent, INKS[0]) >= contrast(accent, INKS[1]) ? INKS[0] : INKS[1];

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= most && !/\p{Cc}/u.test(value);

/** A path on this origin (not `//host`), or a small image in itself. */
const isLogo = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length <= MAX_LOGO_BYTES &&
  (/^\/(?![/\\])[\w./~%-]+$/.test(value) || /^data:image\/(png|webp|svg\+xml)[;,]/.test(value));

/** Programs that make previews read no SVG. */
const isPoster = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 200 && /^\/(?![/\\])[\w./~%-]+\.(png|jpe?g|webp)$/.test(value);

const isHref = (value: unknown): value is string =>
  typeof value === 'string' && (/^\/(?![/\\])/.test(value) || (/^https:\/\//.test(value) && URL.canParse(value)));

const isLink = (value: unknown): value is PageLink => isObject(value) && isText(value.text, 60) && isHref(value.href);

/**
 * Reads the three settings. What cannot be used is left out, and told.
 * @param tell gets one line for each, which names the field and the fix
 */
export function readLook({ branding = {}, languages, features = {} }: Fields, tell: (line: string) => void): Look {
  const wrong = (field: string, fix: string) => tell(`config.json: ${field} cannot be used: it has to be ${fix}`);
  const look: { -readonly [K in keyof Look]: Look[K] } = isObject(branding) ? readBranding(branding, wrong) : {};
  if (!isObject(branding)) wrong('branding', 'an object, such as {"name":"Calls"}');
  if (Array.isArray(languages) && languages.length > 0 && languages.every((tag) => LANGUAGES.includes(tag)))
    look.languages = languages;
  else if (languages !== undefined) wrong('languages', `a list of some of ${LANGUAGES.join(', ')}`);
  const off: Feature[] = [];
  for (const [name, on] of Object.entries(isObject(features) ? features : { features }))
    if (!FEATURES.includes(name as Feature) || typeof on !== 'boolean')
      wrong(`features.${name}`, `true or false, for one of ${FEATURES.join(', ')}`);
    else if (!on) off.push(name as Feature);
  if (off.length > 0) look.off = off;
  return look;
}

function readBranding(branding: Fields, wrong: (field: string, fix: string) => void): Look {
  const { name, logo, poster, accent, links } = branding;
  const look: { -readonly [K in keyof Look]: Look[K] } = {};
  if (isText(name, 40)) look.name = name;
  else if (name !== undefined) wrong('branding.name', 'text of 1 to 40 letters');
  if (isLogo(logo)) look.logo = logo;
  else if (logo !== undefined)
    wrong('branding.logo', `a path of the page, such as /brand/logo.svg, or data:image/… of ${MAX_LOGO_BYTES} bytes`);
  if (isPoster(poster)) look.poster = poster;
  else if (poster !== undefined) wrong('branding.poster', 'a path of the page to an image, such as /brand/poster.png');
  if (accent !== undefined) {
    const told = accentFault(accent);
    if (told) wrong(...told);
    else look.accent = accent as NonNullable<Look['accent']>;
  }
  if (Array.isArray(links) && links.length <= MAX_LINKS && links.every(isLink)) look.links = links;
  else if (links !== undefined) wrong('branding.links', `up to ${MAX_LINKS} of {"text":…,"href":"https://…" or "/…"}`);
  for (const key of Object.keys(branding))
    if (!['name', 'logo', 'poster', 'accent', 'links'].includes(key))
      wrong(`branding.${key}`, 'name, logo, poster, accent or links');
  return look;
}

/** @returns the field and the fix of the first fault */
function accentFault(accent: unknown): [field: string, fix: string] | undefined {
  for (const scheme of ['light', 'dark'] as const) {
    const colour = isObject(accent) ? accent[scheme] : undefined;
    const field = `branding.accent.${scheme}`;
    if (typeof colour !== 'string' || !/^#[0-9a-f]{6}$/i.test(colour)) return [field, 'a colour such as #0b635a'];
    const against = [contrast(colour, CANVAS[scheme]), contrast(colour, inkOn(colour))];
    const least = Math.min(...against);
    if (least < READABLE)
      return [
        field,
        `a colour with a contrast of ${READABLE} : 1 at least to the page (${CANVAS[scheme]}) and to the text on it; this has ${least.toFixed(1)}`,
      ];
  }
  return undefined;
}
