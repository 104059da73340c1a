/** Builds `dist/`: one file without dependencies, its README and package.json, ready for `npm pack ./dist`. */
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const dist = join(here, 'dist');
const source = JSON.parse(await readFile(join(here, 'package.json'), 'utf8')) as Record<string, unknown>;

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await build({
  entryPoints: { tandem: join(here, 'src/main.ts') },
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  target: 'node20.3',
  platform: 'node',
  outdir: dist,
  // Optional native parts of ws; it does without.
  external: ['bufferutil', 'utf-8-validate'],
  banner: { js: '#!/usr/bin/env node' },
  legalComments: 'inline',
});
await chmod(join(dist, 'tandem.cjs'), 0o755);
const { name, version, description, license, engines } = source;
const manifest = {
  name,
  version,
  description,
  license,
  engines,
  bin: { tandem: './tandem.cjs' },
  files: ['tandem.cjs'],
};
await writeFile(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
await cp(join(here, 'README.md'), join(dist, 'README.md'));
await cp(join(here, '../../LICENSE'), join(dist, 'LICENSE'));
console.log(`built ${dist}`);
