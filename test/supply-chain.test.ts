/** What gets onto the machine: exact versions from one lock file, no script run at install, images by digest. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');
const manifests = execFileSync('git', ['ls-files', '--', 'package.json', '*/package.json'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file && existsSync(resolve(root, file)));

test('every version is exact, and no install script runs', () => {
  expect(manifests.length).toBeGreaterThan(5);
  for (const file of manifests) {
    const manifest = JSON.parse(read(file)) as Record<string, Record<string, string> | undefined>;
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
      for (const [name, version] of Object.entries(manifest[kind] ?? {}))
        expect(version, `${file}: ${name}`).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  }
  expect(read('.npmrc')).toMatch(/^strict-allow-scripts=true$/m);
  const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> };
  expect(Object.entries(allowScripts).filter(([, allowed]) => allowed)).toEqual([]);
});

test('the lock file knows every package by its hash, and none from outside the registry', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { link?: boolean; inBundle?: boolean; resolved?: string; integrity?: string }>;
  };
  // What a package brings inside itself is under that package's hash; a link is a workspace of ours.
  const fetched = Object.entries(packages).filter(
    ([path, p]) => path.includes('node_modules/') && !p.link && !p.inBundle,
  );
  expect(fetched.length).toBeGreaterThan(100);
  expect(fetched.filter(([, p]) => !p.integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
  expect(fetched.filter(([, p]) => p.resolved !== undefined).map(([path]) => path)).toEqual([]);
});
