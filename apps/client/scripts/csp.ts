/** Hashes the inline scripts that Next leaves in the pages, and writes the headers to serve them with. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const INLINE = /<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g;

/** `'sha256-…'` of each inline script of a page (CSP level 3, section 2.3.1). */
export function inlineScriptHashes(html: string): string[] {
  return Array.from(html.matchAll(INLINE), ([, code = '']) => {
    const digest = createHash('sha256').update(code, 'utf8').digest('base64');
    return `'sha256-${digest}'`;
  });
}

/**
 * The policy. No 'unsafe-inline', no 'unsafe-eval', no foreign origin unless `connect` names it. 'wasm-unsafe-eval' compiles
 * WebAssembly and nothing else: blur and noise reduction are that.
 */
export function contentSecurityPolicy(hashes: readonly string[], connect = ''): string {
  const rules: Record<string, string> = {
    'default-src': "'none'",
    'script-src': ["'self'", "'wasm-unsafe-eval'", ...hashes].join(' '),
    'style-src': "'self'",
    'font-src': "'self'",
    'img-src': "'self' data: blob:",
    'media-src': "'self' blob: mediastream:",
    'connect-src': `'self' ${connect}`.trim(),
    'worker-src': "'self'",
    'manifest-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
  };
  return Object.entries(rules)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

export async function writeSecurityHeaders(out: string, connect: string): Promise<{ scripts: number }> {
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('.html'));
  const hashes = new Set<string>();
  for (const file of files)
    for (const hash of inlineScriptHashes(await readFile(path.join(out, file), 'utf8'))) hashes.add(hash);
  const headers = {
    'content-security-policy': contentSecurityPolicy([...hashes].sort(), connect),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin',
    'permissions-policy':
      'camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), screen-wake-lock=(self), picture-in-picture=(self), fullscreen=(self), clipboard-write=(self), web-share=(self), geolocation=(), payment=(), usb=()',
    'cross-origin-opener-policy': 'same-origin',
  };
  await writeFile(path.join(out, 'security-headers.json'), `${JSON.stringify(headers, null, 2)}\n`);
  return { scripts: hashes.size };
}
