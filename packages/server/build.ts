/**
 * Builds `dist/`: a package that stands alone (ESM, CommonJS, types for both, README, its own package.json), ready for `npm pack ./dist`.
 * The workspace itself runs from source, so nothing here is needed for development.
 */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { compileTypes, emptyDist, finishDist, identity, namingBuilt } from '../../scripts/lib/package-kit.ts';

const here = import.meta.dirname;
const dist = await emptyDist(here);
for (const [format, outdir] of [
  ['esm', dist],
  ['cjs', join(dist, 'cjs')],
] as const)
  await build({
    entryPoints: [join(here, 'src/index.ts')],
    bundle: true,
    format,
    target: 'node20.3',
    platform: 'node',
    outdir,
    sourcemap: 'linked',
  });
compileTypes('-p', join(here, 'tsconfig.build.json'));
const types = join(dist, 'types');
for (const name of await readdir(types))
  await writeFile(join(types, name), namingBuilt(await readFile(join(types, name), 'utf8')));
// The same declarations: what they are follows from the nearest package.json.
await cp(types, join(dist, 'cjs/types'), { recursive: true });
await writeFile(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
const { name, version, description, license, engines } = await identity(here);
await finishDist(here, {
  ...{ name, version, description, license },
  type: 'module',
  engines,
  sideEffects: false,
  main: './cjs/index.js',
  types: './cjs/types/index.d.ts',
  exports: {
    '.': {
      import: { types: './types/index.d.ts', default: './index.js' },
      require: { types: './cjs/types/index.d.ts', default: './cjs/index.js' },
    },
  },
  files: ['*.js', '*.js.map', 'types', 'cjs'],
});
