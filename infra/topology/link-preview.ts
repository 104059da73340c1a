/**
 * What a link to a room looks like where it is pasted. Programs that make previews run no JavaScript, so whatever serves the pages answers them with a
 * page of their own: the edge of `npm start` and of compose, and the function of CloudFront.
 */
import { readLook } from '../../apps/client/src/look.ts';
import { type PreviewWords, previewWords } from './preview-words.ts';

export interface PreviewRequest {
  readonly userAgent: string;
  /** Where the pages are, without a slash at the end: `https://calls.example.com`. */
  readonly origin: string;
  readonly path: string;
  /** `?room=`, decoded; empty: there is none. */
  readonly room: string;
}

export interface PreviewBrand {
  /** Product name; empty: none is said. */
  readonly name: string;
  /** Path of an image of 1200 × 630 px. */
  readonly poster: string;
  /** In the first of the deployment's languages. */
  readonly words: PreviewWords;
}

/** @param settings of the page, as config.json has them */
export function previewBrand(settings: unknown): PreviewBrand {
  const { branding, languages } = (settings ?? {}) as { branding?: unknown; languages?: unknown };
  const look = readLook({ branding, languages }, () => {});
  const { name = 'Tandem', poster = '/icons/poster.png' } = look;
  return { name, poster, words: previewWords(look.languages?.[0]) };
}

/**
 * The page with Open Graph tags for a program that makes previews. Its source is also a part of CloudFront's function, so it uses nothing from outside
 * and no syntax newer than ES2015 (CloudFront developer guide, "JavaScript runtime 2.0").
 * @returns undefined for people's browsers, and for other paths than `/` and `/live`
 */
export function linkPreview(request: PreviewRequest, brand: PreviewBrand): string | undefined {
  // Their names of themselves. Not every `bot`: there are phones called Cubot.
  const makers =
    /facebookexternalhit|facebookcatalog|Twitterbot|LinkedInBot|Slackbot|Discordbot|TelegramBot|WhatsApp|SkypeUriPreview|Microsoft-?Preview|Applebot|redditbot|Pinterestbot|vkShare|Viber|Iframely|Embedly|BingPreview|Google-PageRenderer|mattermost|Rocket\.?Chat|Zulip|\bbot\b/i;
  const live = /^\/live\/?$/.test(request.path);
  if (!makers.test(request.userAgent) || !(live || request.path === '/')) return undefined;
  // Letters, digits and a few marks, as names of rooms have; nothing invisible and nothing that turns the text around it.
  const isName =
    request.room.length <= 128 &&
    /^[\w.~\u00aa-\uffff-]+$/.test(request.room) &&
    !/[\u00ad\u061c\u115f\u1160\u180e\u2000-\u206f\u3000\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\uffff]/.test(
      request.room,
    );
  const room = isName ? request.room : '';
  const words = brand.words;
  // Functions, as a `$` in a text put in is a sign of its own.
  const kind = live ? words.live : words.call;
  const what = brand.name ? words.on.replace('{kind}', () => kind).replace('{name}', () => brand.name) : kind;
  const heading = room ? (live ? words.watch : words.join).replace('{room}', () => room) : brand.name || kind;
  const text = words.text.replace('{what}', () => what);
  const link = request.origin + (live ? '/live/' : '/') + (room ? `?room=${encodeURIComponent(room)}` : '');
  const plain = (words: string) => words.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const tags: [string, string][] = [
    ['og:type', 'website'],
    ['og:title', heading],
    ['og:description', text],
    ['og:url', link],
    ['og:image', request.origin + brand.poster],
    ['og:image:width', '1200'],
    ['og:image:height', '630'],
  ];
  if (brand.name) tags.push(['og:site_name', brand.name]);
  return [
    '<!doctype html>',
    `<html lang="${words.lang}" dir="${words.dir}"><head><meta charset="utf-8">`,
    `<title>${plain(heading)}</title>`,
    `<meta name="description" content="${plain(text)}">`,
    '<meta name="robots" content="noindex">',
    '<meta name="twitter:card" content="summary_large_image">',
    ...tags.map(([property, content]) => `<meta property="${property}" content="${plain(content)}">`),
    `</head><body><h1>${plain(heading)}</h1><p>${plain(text)}</p></body></html>`,
  ].join('\n');
}

/** Headers of the preview page: it has nothing to load, and no page may show it in a frame. */
export const PREVIEW_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
} as const;
