/**
 * `npm run package -w @tandem/infra [-- FOLDER]` builds the package and packs it as a tarball into FOLDER (default infra/dist).
 * As `prepack` it refuses: the folder infra/ holds sources, which no user's Node would run from node_modules.
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { buildPackage } from './build.ts';

const dist = join(import.meta.dirname, '..', 'dist');

/** @returns path of the tarball */
export async function packPackage(folder: string): Promise<string> {
  const built = join(dist, 'package');
  await buildPackage(built);
  const said = execFileSync('npm', ['pack', built, '--silent', '--pack-destination', folder], { encoding: 'utf8' });
  return join(folder, said.trim().split('\n').at(-1) ?? '');
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv[2] === '--refuse') {
    console.error('infra/ holds TypeScript sources. Fix: npm run package -w @tandem/infra');
    process.exitCode = 1;
  } else console.log(await packPackage(resolve(process.argv[2] ?? dist)));
}
