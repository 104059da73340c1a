/**
 * next build → effects → scripts after the first paint, compiled whole → service worker → CSP. Leaves `out/`: plain files for any static host, with `security-headers.json` beside
 * them for whatever serves them (the edge of `npm start`, CloudFront).
 *
 * Environment: BASE_PATH, e.g. `/calls`, to live at a sub-path. CONNECT_SRC, more origins for `connect-src` when signaling
 * or auth live elsewhere (space-separated). OUT_DIR, another place than `out/`, relative to this package.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { hintScripts } from './compile-hints.ts';
import { writeSecurityHeaders } from './csp.ts';
import { buildEffects } from './effects.ts';
import { paintPagesFirst } from './paint-first.ts';
import { buildServiceWorker } from './service-worker.ts';

const client = path.resolve(import.meta.dirname, '..');
const out = path.resolve(client, process.env.OUT_DIR || 'out');
const { version } = JSON.parse(readFileSync(path.join(client, 'package.json'), 'utf8')) as { version: string };

const effects = await buildEffects(client);
const next = createRequire(import.meta.url).resolve('next/dist/bin/next');
const built = spawnSync(process.execPath, [next, 'build'], {
  cwd: client,
  stdio: 'inherit',
  env: {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_VERSION: version,
    NEXT_PUBLIC_EFFECTS: effects.address,
  },
});
if (built.status !== 0) process.exit(built.status ?? 1);

await effects.write(out);
await paintPagesFirst(out);
const hinted = await hintScripts(out, ['index.html'], (process.env.BASE_PATH ?? '').replace(/\/+$/, ''));
const worker = await buildServiceWorker(client, out);
const headers = await writeSecurityHeaders(out, process.env.CONNECT_SRC ?? '');
console.log(`${hinted} scripts of the lobby are compiled while they arrive`);
console.log(`service worker: ${worker.count} files, ${Math.round(worker.bytes / 1024)} KiB precached`);
console.log(`${effects.address}: ${Math.round(effects.bytes / 1024)} KiB, loaded on demand`);
console.log(`security-headers.json: ${headers.scripts} inline scripts hashed`);
