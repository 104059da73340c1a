/** Who may show the pages in a frame. One rule for whatever serves them: the edge of `npm start` and of compose, and CloudFront. */
import { readRuntimeConfig } from '../../apps/client/src/config.ts';

/**
 * The Content-Security-Policy with `frame-ancestors` for these settings of the page. Browsers that know it ignore X-Frame-Options (CSP level 3, section 6.4.2.1),
 * which cannot name foreign origins.
 * @param policy of the client's build
 * @param settings of config.json; `embedOrigins` is read by the page's own reader. Default: no origin
 */
export function framingPolicy(policy: string, settings: unknown): string {
  const { embedOrigins } = readRuntimeConfig(settings ?? {}, () => {});
  const ancestors = `frame-ancestors ${embedOrigins.join(' ') || "'none'"}`;
  const others = policy
    .split(';')
    .map((rule) => rule.trim())
    .filter((rule) => rule !== '' && !/^frame-ancestors(\s|$)/i.test(rule));
  return [...others, ancestors].join('; ');
}

/** Whether anybody may frame the pages: if so, X-Frame-Options is left out. */
export const isFramable = (settings: unknown): boolean =>
  readRuntimeConfig(settings ?? {}, () => {}).embedOrigins.length > 0;
