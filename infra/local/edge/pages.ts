/** The PWA's files with the cache and security headers that CloudFront gives them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { ProblemError, sendProblem } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { framingPolicy, isFramable } from '../../topology/framing.ts';
import { linkPreview, PREVIEW_HEADERS, previewBrand } from '../../topology/link-preview.ts';
import { brandedManifest, MANIFEST } from '../../topology/manifest.ts';
import { compressPages } from './compress.ts';
import { pathOfTarget } from './request-target.ts';

const YEAR = 'public, max-age=31536000, immutable';

/** How long a browser may keep `path` (as served). Pages, the service worker and settings are asked for each time. */
export function cacheControl(path: string): string {
  if (path.includes('/_next/static/')) return YEAR;
  if (/\.(png|svg|ico|webp|woff2|wav|mp3)$/.test(path)) return 'public, max-age=86400';
  return 'no-store';
}

/**
 * Headers for every page: what the client's build computed (CSP with the hashes of its scripts), over safe defaults.
 * @param settings of the page: `embedOrigins` says who may frame it
 */
export function securityHeaders(clientDir: string, settings: unknown): Record<string, string> {
  const defaults = {
    'content-security-policy': '',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self)',
    'x-frame-options': 'DENY',
  };
  const file = join(clientDir, 'security-headers.json');
  const built = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
  const entries = Object.entries(built).filter((e): e is [string, string] => typeof e[1] === 'string');
  const headers: Record<string, string> = {
    ...defaults,
    ...Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value])),
  };
  headers['content-security-policy'] = framingPolicy(headers['content-security-policy'] ?? '', settings);
  if (isFramable(settings)) delete headers['x-frame-options'];
  return headers;
}

/** `Host` as browsers write it (RFC 9110, section 7.2): a name or an address, and a port. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;

/** Programs that make previews of links get a page made for them. */
function answerPreviews(app: FastifyInstance, { encrypted, settings }: PagesOptions): void {
  const brand = previewBrand(settings);
  const preview = ({ headers, raw, query }: FastifyRequest): string | undefined => {
    const { host = '', 'x-forwarded-proto': proto, 'user-agent': userAgent = '' } = headers;
    if (!HOST.test(host)) return undefined;
    const { room } = query as { room?: string | string[] };
    return linkPreview(
      {
        userAgent,
        origin: `${encrypted || proto === 'https' ? 'https' : 'http'}://${host}`,
        path: pathOfTarget(raw.url) ?? '',
        room: (Array.isArray(room) ? room[0] : room) ?? '',
      },
      brand,
    );
  };
  app.addHook('onRequest', async (request, reply) => {
    const page = request.method === 'GET' || request.method === 'HEAD' ? preview(request) : undefined;
    return page === undefined ? undefined : reply.headers(PREVIEW_HEADERS).send(page);
  });
}

interface PagesOptions {
  readonly encrypted: boolean;
  /** What /config.json says. */
  readonly settings: unknown;
}

/** Serve the exported client. Without a build: one line that says how to make it. */
export async function registerPages(app: FastifyInstance, clientDir: string, options: PagesOptions): Promise<void> {
  const { encrypted, settings } = options;
  if (!existsSync(join(clientDir, 'index.html'))) {
    app.setNotFoundHandler((_request, reply) =>
      reply.code(503).type('text/plain').send('The client is not built. Run: npm run build\n'),
    );
    return;
  }
  const security = {
    ...securityHeaders(clientDir, settings),
    ...(encrypted ? { 'strict-transport-security': 'max-age=0' } : {}),
  };
  const notFound = existsSync(join(clientDir, '404.html')) ? '404.html' : undefined;
  answerPreviews(app, options);
  const manifest = join(clientDir, MANIFEST);
  const branded = existsSync(manifest) ? brandedManifest(readFileSync(manifest, 'utf8'), settings) : undefined;
  if (branded !== undefined)
    app.get(`/${MANIFEST}`, (_request, reply) =>
      reply
        .headers({ ...security, 'cache-control': cacheControl(MANIFEST), 'content-type': 'application/manifest+json' })
        .send(branded),
    );
  await app.register((pages, _options, done) => {
    compressPages(pages);
    pages.register(fastifyStatic, {
      root: clientDir,
      extensions: ['html'],
      cacheControl: false,
      redirect: true,
      allowedPath: (path) => !path.endsWith('/security-headers.json'),
      setHeaders: (response, path) => {
        response.header('cache-control', cacheControl(path));
        for (const [name, value] of Object.entries(security)) response.header(name, value);
      },
    });
    pages.setNotFoundHandler((request, reply) =>
      notFound && request.method === 'GET'
        ? reply.code(404).sendFile(notFound)
        : sendProblem(request, reply, new ProblemError(404, 'not_found', 'Nothing is served at this method and path.')),
    );
    done();
  });
}
