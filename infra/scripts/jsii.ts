/**
 * Compiles the constructs with jsii, so that packages for Python, Java, Go and .NET stay one step away (`jsii-pacmak` on the result).
 * jsii wants CommonJS and a compiler of its own: the sources are copied, their imports rewritten, and what is not public (topology,
 * settings) is bundled beside them. Usage: node infra/scripts/jsii.ts [OUT], default infra/dist/jsii.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { PEERS } from './build.ts';

const infra = join(import.meta.dirname, '..');
const repository = join(infra, '..');

/** Modules outside src/, and the names that src/ takes from each. */
type Internals = Map<string, { types: Set<string>; values: Set<string> }>;

const internalName = (specifier: string) =>
  `internal-${specifier
    .replace(/^(\.\.\/|@)/, '')
    .replace(/\.ts$/, '')
    .replaceAll('/', '-')}`;

/** One source as jsii takes it. */
function rewritten(text: string, internals: Internals): string {
  const code = text
    .replace(
      /import (type )?\{([^}]*)\} from '(\.\.\/[^']+|@tandem\/[^']+)';/g,
      (_, type, names: string, specifier) => {
        const known = internals.get(specifier) ?? { types: new Set(), values: new Set() };
        internals.set(specifier, known);
        for (const one of names.split(',').map((n) => n.trim())) {
          const [, marked, name] = /^(type )?(\w+)/.exec(one) ?? [];
          if (name) (type || marked ? known.types : known.values).add(name);
        }
        return `import ${type ?? ''}{${names}} from './${internalName(specifier)}';`;
      },
    )
    .replace(/from '\.\/([^']+)\.ts'/g, "from './$1'")
    .replaceAll('import.meta.dirname', '__dirname');
  // tsc has checked it against the real internals, which are any here.
  return `// @ts-nocheck\n${code}`;
}

/** @returns the jsii assembly. @throws Error with jsii's findings */
export async function compileJsii(out: string): Promise<{ types: Record<string, { kind: string }> }> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const internals: Internals = new Map();
  for (const file of readdirSync(join(infra, 'src')))
    writeFileSync(join(out, file), rewritten(readFileSync(join(infra, 'src', file), 'utf8'), internals));
  for (const [specifier, { types, values }] of internals) {
    const file = join(out, internalName(specifier));
    writeFileSync(
      `${file}.d.ts`,
      [...[...types].map((n) => `export type ${n} = any;`), ...[...values].map((n) => `export const ${n}: any;`)].join(
        '\n',
      ),
    );
    if (values.size === 0) continue;
    await build({
      stdin: {
        contents: `export { ${[...values].join(', ')} } from '${specifier.replace(/^\.\.\//, './')}';`,
        resolveDir: infra,
      },
      outfile: `${file}.js`,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
  }
  cpSync(join(infra, 'README.md'), join(out, 'README.md'));
  const own = JSON.parse(readFileSync(join(infra, 'package.json'), 'utf8'));
  const peers = Object.fromEntries(PEERS.map((name) => [name, own.peerDependencies[name]]));
  writeFileSync(
    join(out, 'package.json'),
    JSON.stringify({
      name: own.name,
      version: own.version,
      description: own.description,
      license: own.license,
      author: { name: 'Tandem' },
      repository: { type: 'git', url: 'https://example.com/tandem.git' },
      main: 'index.js',
      types: 'index.d.ts',
      stability: 'experimental',
      jsii: { outdir: 'dist', targets: {}, tsc: { target: 'ES2022' } },
      peerDependencies: peers,
      devDependencies: Object.fromEntries(PEERS.map((name) => [name, own.devDependencies[name]])),
    }),
  );
  try {
    execFileSync(process.execPath, [join(repository, 'node_modules/jsii/bin/jsii')], {
      cwd: out,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`jsii refuses the public API:\n${stdout}${stderr}`);
  }
  return JSON.parse(readFileSync(join(out, '.jsii'), 'utf8'));
}

if (process.argv[1] === import.meta.filename) {
  const started = performance.now();
  const { types } = await compileJsii(resolve(process.argv[2] ?? join(infra, 'dist', 'jsii')));
  console.log(`jsii: ${Object.keys(types).length} types, ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
