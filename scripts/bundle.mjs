// Bundle services into dist/NAME/main.mjs: one file each, and one for a health check of its own; no node_modules in the images. Usage: node scripts/bundle.mjs [NAME [FOLDER]]
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const entries = {
  auth: 'apps/auth/src/main.ts',
  signaling: 'apps/signaling/src/main.ts',
  hooks: 'apps/hooks/src/main.ts',
  captions: 'apps/captions/src/main.ts',
  turn: 'infra/turn-node/main.ts',
  media: 'infra/media-node/main.ts',
  packager: 'infra/hls-packager/main.ts',
  composer: 'infra/recording-composer/main.ts',
  canary: 'infra/canary/main.ts',
  edge: 'infra/local/edge/main.ts',
};
/** Programs that run for each health check of a container: dist/NAME/health.mjs. */
const healthChecks = { turn: 'infra/turn-node/health.ts', media: 'infra/media-node/health.ts' };

function filesBelow(dir, ending) {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith(ending) && !f.includes('node_modules'))
    .map((f) => join(dir, f));
}

const [only, folder = join(root, 'dist')] = process.argv.slice(2);
if (only && !entries[only]) throw new Error(`bundle: ${only} is none of ${Object.keys(entries).join(', ')}`);

for (const name of only ? [only] : Object.keys(entries)) {
  const entry = entries[name];
  const outdir = join(folder, name);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: {
      main: join(root, entry),
      ...(healthChecks[name] ? { health: join(root, healthChecks[name]) } : {}),
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minifySyntax: true,
    sourcemap: false,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS packages inside an ES module still call require.
    banner: { js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);" },
  });
  // Redis scripts are read beside the code, from ./NAME.lua or ./scripts/NAME.lua.
  for (const file of filesBelow(join(root, dirname(entry)), '.lua'))
    cpSync(file, join(outdir, basename(dirname(file)) === 'scripts' ? 'scripts' : '', basename(file)));
  console.log(`  ${outdir}/main.mjs  ${(statSync(join(outdir, 'main.mjs')).size / 1e6).toFixed(2)} MB`);
}
