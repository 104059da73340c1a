/**
 * Builds `dist/`: a package that stands alone (bundled .js, .d.ts, README, its own package.json), ready for `npm pack ./dist`.
 * The workspace itself runs from source, so nothing here is needed for development.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { compileTypes, emptyDist, finishDist, identity, namingBuilt } from '../../scripts/lib/package-kit.ts';

const here = import.meta.dirname;
const dist = await emptyDist(here);
// Split, so that a page which imports only the session does not load the call: bundlers shake the rest of the tree.
await build({
  entryPoints: {
    index: join(here, 'src/index.ts'),
    session: join(here, 'src/session-only.ts'),
    encryption: join(here, 'src/encryption/index.ts'),
    'encryption-worker': join(here, 'src/encryption/worker.ts'),
  },
  bundle: true,
  splitting: true,
  chunkNames: 'chunk-[hash]',
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  outdir: dist,
  sourcemap: 'linked',
});
compileTypes('-p', join(here, 'tsconfig.build.json'));
// The wire contract's codes are the only foreign types in the public ones: they come along.
const codes = createRequire(import.meta.url).resolve('@tandem/protocol/codes');
const flags = ['--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--strict'];
const language = ['--target', 'es2022', '--module', 'nodenext'];
compileTypes(codes, ...flags, ...language, '--outDir', join(dist, 'types'));
for (const entry of await readdir(join(dist, 'types/rtc/src'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.includes('.test.') || entry.name.startsWith('testing')) continue;
  const file = join(entry.parentPath, entry.name);
  const name = relative(join(dist, 'types/rtc/src'), file);
  const text = await readFile(file, 'utf8');
  await mkdir(join(dist, 'types', dirname(name)), { recursive: true });
  const besides = dirname(name) === '.' ? './' : '../';
  await writeFile(
    join(dist, 'types', name),
    namingBuilt(text.replaceAll("'@tandem/protocol/codes'", `'${besides}codes.js'`)),
  );
}
await rm(join(dist, 'types/rtc'), { recursive: true });
const { name, version, description, license } = await identity(here);
await finishDist(here, {
  ...{ name, version, description, license },
  type: 'module',
  sideEffects: ['./encryption-worker.js'],
  exports: {
    '.': { types: './types/index.d.ts', default: './index.js' },
    './encryption': { types: './types/encryption/index.d.ts', default: './encryption.js' },
    './encryption-worker': { types: './types/encryption/worker.d.ts', default: './encryption-worker.js' },
    './session': { types: './types/session-only.d.ts', default: './session.js' },
  },
  files: ['*.js', '*.js.map', 'types'],
});
