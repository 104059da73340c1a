/** Builds `dist/`: one file without dependencies, its README and package.json, ready for `npm pack ./dist`. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { emptyDist, finishDist, identity } from '../../scripts/lib/package-kit.ts';

const here = import.meta.dirname;
const dist = await emptyDist(here);
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
const { name, version, description, license, engines } = await identity(here);
await finishDist(here, {
  ...{ name, version, description, license, engines },
  bin: { tandem: './tandem.cjs' },
  files: ['tandem.cjs'],
});
