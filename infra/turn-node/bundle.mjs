// One file for the image. Usage: node infra/turn-node/bundle.mjs OUT
import { join } from 'node:path';
import { build } from 'esbuild';

await build({
  entryPoints: [join(import.meta.dirname, 'main.ts')],
  outfile: process.argv[2] ?? 'dist/turn-node.mjs',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  legalComments: 'none',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
