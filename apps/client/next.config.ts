import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const basePath = (process.env.BASE_PATH ?? '').replace(/\/+$/, '');

/** Static export: plain files that any web server, bucket or CDN can serve. */
const config: NextConfig = {
  output: 'export',
  // With `output: 'export'` this is where the export goes; the default means out/.
  distDir: process.env.OUT_DIR || '.next',
  trailingSlash: true,
  basePath,
  images: { unoptimized: true },
  reactStrictMode: true,
  transpilePackages: ['@tandem/react', '@tandem/rtc', '@tandem/protocol'],
  turbopack: { root },
  // `npm run types` checks them, once, for every workspace.
  typescript: { ignoreBuildErrors: true },
  env: { NEXT_PUBLIC_BASE_PATH: basePath },
};

export default config;
