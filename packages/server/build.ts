/**
 * Builds `dist/`: a package that stands alone (ESM, CommonJS, types for both, README, its own package.json), ready for `npm pack ./dist`.
 * The workspace itself runs from source, so nothing here is needed for development.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const dist = join(here, 'dist');

await rm(dist, { recursive: true, force: true });
await mkdir(join(dist, 'cjs'), { recursive: true });
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
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
const types = join(dist, 'types');
for (const name of await readdir(types)) {
  const text = await readFile(join(types, name), 'utf8');
  await writeFile(join(types, name), text.replaceAll(/(from|import\() ?'(\.\/[^']+)\.ts'/g, "$1 '$2.js'"));
}
// The same declarations: what they are follows from the nearest package.json.
await cp(types, join(dist, 'cjs/types'), { recursive: true });
await writeFile(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
const source = JSON.parse(await readFile(join(here, 'package.json'), 'utf8')) as Record<string, unknown>;
await writeFile(
  join(dist, 'package.json'),
  `${JSON.stringify(
    {
      name: source.name,
      version: source.version,
      description: source.description,
      license: source.license,
      type: 'module',
      engines: source.engines,
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
    },
    null,
    2,
  )}\n`,
);
await cp(join(here, 'README.md'), join(dist, 'README.md'));
await cp(join(here, '../../LICENSE'), join(dist, 'LICENSE'));
console.log(`built ${dist}`);
