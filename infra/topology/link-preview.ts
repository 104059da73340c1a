/**
 * What a link to a room looks like where it is pasted. Programs that make previews run no JavaScript, so whatever serves the pages answers them with a
 * page of their own: the edge of `npm start` and of compose, and the function of CloudFront.
 */
import { readLook } from '../../apps/client/src/look.ts';

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
}

/** @param settings of the page, as config.json has them */
export function previewBrand(settings: unknown): PreviewBrand {
  const branding = (settings as { branding?: unknown } | undefined)?.branding;
  const { name = 'Tandem', poster = '/icons/poster.png' } = readLook({ branding }, () => {});
  return { name, poster };
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
  const on = brand.name ? ` on ${brand.name}` : '';
  const kind = live ? 'Live stream' : 'Video call';
  const heading = room ? (live ? `Watch ${room} live` : `Join ${room}`) : brand.name || kind;
  const text = `${kind}${on}. Opens in the browser, nothing to install.`;
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
    '<html lang="en"><head><meta charset="utf-8">',
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
