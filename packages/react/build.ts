/** Builds `dist/`: a package that stands beside React and @tandem/rtc (one ES module, types, README, its own package.json), ready for `npm pack ./dist`. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { compileTypes, emptyDist, finishDist, identity, namingBuilt } from '../../scripts/lib/package-kit.ts';

const here = import.meta.dirname;
const dist = await emptyDist(here);
await build({
  entryPoints: [join(here, 'src/index.ts')],
  bundle: true,
  external: ['react', 'react/jsx-runtime', '@tandem/rtc'],
  format: 'esm',
  jsx: 'automatic',
  target: 'es2022',
  // For frameworks that render on servers as well: all of it runs in browsers.
  banner: { js: "'use client';" },
  outdir: dist,
  sourcemap: 'linked',
});
compileTypes('-p', join(here, 'tsconfig.build.json'));
// The compiler writes the declarations of @tandem/rtc as well: those come from that package.
const written = join(dist, 'all/react/src');
await mkdir(join(dist, 'types'));
for (const name of await readdir(written))
  await writeFile(join(dist, 'types', name), namingBuilt(await readFile(join(written, name), 'utf8')));
await rm(join(dist, 'all'), { recursive: true });
const { name, version, description, license, dependencies, peerDependencies } = await identity(here);
const entry = { types: './types/index.d.ts', default: './index.js' };
await finishDist(here, {
  ...{ name, version, description, license },
  ...{ type: 'module', sideEffects: false, main: entry.default, types: entry.types, exports: { '.': entry } },
  peerDependencies: { ...(peerDependencies as object), ...(dependencies as object) },
  files: ['*.js', '*.js.map', 'types'],
});
