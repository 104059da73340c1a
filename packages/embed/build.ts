/** Builds `dist/`: a package that stands alone (one ES module, types, README, its own package.json), ready for `npm pack ./dist`. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { compileTypes, emptyDist, finishDist, identity, namingBuilt } from '../../scripts/lib/package-kit.ts';

const here = import.meta.dirname;
const dist = await emptyDist(here);
await build({
  entryPoints: [join(here, 'src/index.ts')],
  bundle: true,
  format: 'esm',
  target: 'es2022',
  outdir: dist,
  sourcemap: 'linked',
});
compileTypes('-p', join(here, 'tsconfig.build.json'));
const types = join(dist, 'types');
for (const name of await readdir(types))
  await writeFile(join(types, name), namingBuilt(await readFile(join(types, name), 'utf8')));
const { name, version, description, license } = await identity(here);
const entry = { types: './types/index.d.ts', default: './index.js' };
await finishDist(here, {
  ...{ name, version, description, license },
  ...{ type: 'module', sideEffects: false, main: entry.default, types: entry.types, exports: { '.': entry } },
  files: ['*.js', '*.js.map', 'types'],
});
