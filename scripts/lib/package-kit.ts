/** What the packages of npm share: an empty `dist/`, declarations, manifest, README and licence in it, and a size with a budget. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';

/** Bytes. */
export interface Size {
  readonly minified: number;
  readonly gzip: number;
}

/** Of an entry point as a page or a backend loads it: bundled, minified, everything exported in use, without tree shaking's help. */
export async function sizeOf(entry: string, options: BuildOptions = {}): Promise<Size> {
  const result = await build({
    ...{ bundle: true, minify: true, write: false, format: 'esm', target: 'es2022' },
    ...options,
    entryPoints: [entry],
    write: false,
  });
  const bytes = result.outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}

/** Prints the line of `npm run size`. A package above its budget (bytes of gzip) ends the process with code 1. */
export function reportSize(name: string, { minified, gzip }: Size, budget: number): void {
  console.log(`${name} ${minified} B minified ${gzip} B gzip, budget ${budget} B`);
  if (gzip > budget) process.exitCode = 1;
}

/** The `dist/` of the package in `root`, empty. */
export async function emptyDist(root: string): Promise<string> {
  const dist = join(root, 'dist');
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  return dist;
}

/** The TypeScript compiler, as `tsc` with these arguments. @throws Error when it finds a fault (it has printed it) */
export function compileTypes(...args: readonly string[]): void {
  const tsc = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace('package.json', 'bin/tsc');
  execFileSync(process.execPath, [tsc, ...args], { stdio: 'inherit' });
}

/** A declaration as packages carry it: it names built files, where ours names sources. */
export const namingBuilt = (declaration: string): string =>
  declaration.replaceAll(/(from|import\() ?'(\.\.?\/[^']+)\.tsx?'/g, "$1 '$2.js'");

/** What a package says of itself in its own package.json, from the workspace's. */
export async function identity(root: string): Promise<Record<string, unknown>> {
  const source = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { name, version, description, license, engines, dependencies, peerDependencies } = source;
  return { name, version, description, license, engines, dependencies, peerDependencies };
}

/** The manifest, the README and the licence: `dist/` is ready for `npm pack ./dist`. */
export async function finishDist(root: string, manifest: object): Promise<void> {
  const dist = join(root, 'dist');
  await writeFile(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await cp(join(root, 'README.md'), join(dist, 'README.md'));
  await cp(join(root, '../../LICENSE'), join(dist, 'LICENSE'));
  console.log(`built ${dist}`);
}
