/**
 * Builds the package that users install: dist/index.js (one ESM file, our schemas bundled, AWS libraries left out), dist/*.d.ts,
 * and dist/images (what containers are built from). The packed copy needs no type stripping.
 * Usage: node infra/scripts/build.ts [OUT], default infra/dist/package.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { COLLECTOR_IMAGE } from '../src/base-images.ts';
import { BUNDLES } from '../topology/images.ts';

const infra = join(import.meta.dirname, '..');
const repository = join(infra, '..');
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
/** What a user's own app brings. */
export const PEERS = ['aws-cdk-lib', 'constructs', 'cdk-monitoring-constructs'];

/** Public types only, so that no d.ts names our workspaces. @returns folder with index.d.ts */
export function declarations(out: string): void {
  const config = join(infra, 'dist', 'tsconfig.declarations.json');
  mkdirSync(join(infra, 'dist'), { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        stripInternal: true,
        rootDir: repository,
        outDir: out,
        types: ['node'],
        typeRoots: [join(repository, 'node_modules/@types')],
      },
      include: [],
      files: ['../src/index.ts'],
    }),
  );
  execFileSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', config], {
    stdio: 'pipe',
  });
}

/** The declarations that index.d.ts reaches, with extensions that a user's compiler expects. */
function copyDeclarations(from: string, to: string, name: string, seen = new Set<string>()): void {
  if (seen.has(name)) return;
  seen.add(name);
  const text = readFileSync(join(from, `${name}.d.ts`), 'utf8').replace(/from '\.\/([^']+)\.ts'/g, "from './$1.js'");
  if (/from '(\.\.|@tandem)\//.test(text)) throw new Error(`${name}.d.ts names a file that the package has not`);
  writeFileSync(join(to, `${name}.d.ts`), text);
  for (const [, next = ''] of text.matchAll(/from '\.\/([^']+)\.js'/g)) copyDeclarations(from, to, next, seen);
}

/** What gets another Debian's program when an image is built, by image; beside the bundle, as imageAsset() lets in what begins with the image's name. */
const PROGRAMS = { turn: 'relay-program.mjs', media: 'media-engine.mjs' };

export async function buildPackage(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, 'images'), { recursive: true });
  await build({
    entryPoints: [join(infra, 'src/index.ts')],
    outfile: join(out, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    external: PEERS.flatMap((name) => [name, `${name}/*`]),
    legalComments: 'none',
    logLevel: 'error',
    banner: { js: BANNER },
  });
  const types = join(out, '.types');
  declarations(types);
  copyDeclarations(join(types, 'infra/src'), out, 'index');
  rmSync(types, { recursive: true });
  for (const name of BUNDLES)
    execFileSync(process.execPath, [join(repository, 'scripts/bundle.mjs'), name, join(out, 'images')], {
      stdio: 'pipe',
    });
  for (const [image, script] of Object.entries(PROGRAMS))
    for (const file of [script, `lib/${script}`, 'lib/debian-program.mjs'])
      cpSync(join(repository, 'scripts', file), join(out, `images/${image}-files/scripts`, file));
  writeFileSync(join(out, 'images/Dockerfile'), packedDockerfile());
  const own = JSON.parse(readFileSync(join(infra, 'package.json'), 'utf8'));
  writeFileSync(
    join(out, 'package.json'),
    `${JSON.stringify(
      {
        name: own.name,
        version: own.version,
        description: own.description,
        license: own.license,
        type: 'module',
        exports: { '.': { types: './index.d.ts', default: './index.js' } },
        engines: { node: '>=22.18' },
        peerDependencies: Object.fromEntries(PEERS.map((name) => [name, own.peerDependencies[name]])),
      },
      null,
      2,
    )}\n`,
  );
  cpSync(join(infra, 'README.md'), join(out, 'README.md'));
  for (const file of ['LICENSE', 'CHANGELOG.md']) cpSync(join(repository, file), join(out, file));
}

/** The repository's Dockerfile from its run-time stages on: the bundles are made already. */
function packedDockerfile(): string {
  const text = readFileSync(join(repository, 'Dockerfile'), 'utf8');
  const from = text.indexOf('# A program and the shared libraries');
  const to = text.indexOf('FROM runtime AS edge');
  if (from < 0 || to < from) throw new Error('Dockerfile: its run-time stages are not where build.ts looks for them');
  const stages = text
    .slice(from, to)
    .replace(/--from=[\w-]+-bundle \/src\/dist\//g, '')
    // Each stage that gets a program is named by its folder.
    .replace(/^FROM .* AS ([\w-]+-files)\n(?:.*\n)*?RUN /gm, (stage, folder: string) =>
      stage.replace(/(?<=^COPY .*)(?<= )scripts\/(?=\S* )/gm, `${folder}/scripts/`),
    );
  return `ARG NODE_IMAGE=node:24-bookworm-slim\nARG COLLECTOR_IMAGE=${COLLECTOR_IMAGE}\n\n${stages}`;
}

if (process.argv[1] === import.meta.filename) {
  const out = resolve(process.argv[2] ?? join(infra, 'dist', 'package'));
  await buildPackage(out);
  console.log(`${out} built; pack it with: npm pack ${out}`);
}
