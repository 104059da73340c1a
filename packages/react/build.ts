/** Builds `dist/`: a package that stands beside React and @tandem/rtc (one ES module, types, README, its own package.json), ready for `npm pack ./dist`. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const dist = join(here, 'dist');

await rm(dist, { recursive: true, force: true });
await mkdir(join(dist, 'types'), { recursive: true });
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
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
// The compiler writes the declarations of @tandem/rtc as well: those come from that package.
const written = join(dist, 'all/react/src');
for (const name of await readdir(written)) {
  const text = await readFile(join(written, name), 'utf8');
  await writeFile(join(dist, 'types', name), text.replaceAll(/(from|import\() ?'(\.\/[^']+)\.tsx?'/g, "$1 '$2.js'"));
}
await rm(join(dist, 'all'), { recursive: true });
const source = JSON.parse(await readFile(join(here, 'package.json'), 'utf8')) as Record<string, unknown>;
const entry = { types: './types/index.d.ts', default: './index.js' };
const manifest = {
  ...{ name: source.name, version: source.version, description: source.description, license: source.license },
  ...{ type: 'module', sideEffects: false, main: entry.default, types: entry.types, exports: { '.': entry } },
  peerDependencies: { ...(source.peerDependencies as object), ...(source.dependencies as object) },
  files: ['*.js', '*.js.map', 'types'],
};
await writeFile(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
await cp(join(here, 'README.md'), join(dist, 'README.md'));
await cp(join(here, '../../LICENSE'), join(dist, 'LICENSE'));
console.log(`built ${dist}`);
