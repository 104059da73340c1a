/** A package as somebody else gets it: built, packed, unpacked into `node_modules` of a folder that has nothing of ours. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = new URL('../../', import.meta.url).pathname;

export interface PackedPackage {
  /** Files in the archive. */
  readonly paths: readonly string[];
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly readme: string;
}

/** Installs `@tandem/<name>` into `folder`. */
export function installPacked(name: string, folder: string): PackedPackage {
  const source = join(root, 'packages', name);
  execFileSync(process.execPath, [join(source, 'build.ts')], { stdio: 'pipe' });
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', join(source, 'dist'), '--json', '--pack-destination', folder], {
      encoding: 'utf8',
      stdio: 'pipe',
    }),
  ) as { filename: string; files: { path: string }[] }[];
  if (!packed) throw new Error('npm pack said nothing');
  const target = join(folder, 'node_modules/@tandem', name);
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', target]);
  return {
    paths: packed.files.map(({ path }) => path),
    manifest: JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')),
    readme: readFileSync(join(target, 'README.md'), 'utf8'),
  };
}

/** Blocks of TypeScript in a README. */
export const examplesOf = (readme: string): string[] =>
  [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);

/** Type-checks `file` of `folder` as strictly as a stranger may, declarations of packages included. @throws with the compiler's words */
export function typeCheck(folder: string, file: string, compilerOptions: object = {}): void {
  const config = join(folder, `tsconfig.${file}.json`);
  const options = { target: 'es2022', module: 'nodenext', lib: ['es2022'], types: [], strict: true, noEmit: true };
  const strict = { skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions: { ...options, ...strict, ...compilerOptions }, files: [file] }),
  );
  const tsc = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' });
}
