/** Imports point one way: client → rtc → protocol; services → service, protocol; infra → configuration only. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** What each folder may import of ours. Everything else of ours is refused, by name and by path. */
const allowed: Record<string, readonly string[]> = {
  'packages/protocol': [],
  'packages/rtc': ['@tandem/protocol'],
  'packages/service': ['@tandem/protocol'],
  'apps/client': ['@tandem/rtc', '@tandem/protocol'],
  'apps/auth': ['@tandem/service', '@tandem/protocol'],
  'apps/signaling': ['@tandem/service', '@tandem/protocol'],
  infra: ['@tandem/service', '@tandem/auth/config', '@tandem/signaling/config'],
};

/** Module names that a source imports, static, dynamic or for its type. */
function imports(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g)].map((m) => m[1] ?? m[2] ?? '');
}

/** Lines that break the direction, in the form `file imports name`. */
function violations(folder: string, file: string, source: string): string[] {
  const allow = allowed[folder] ?? [];
  return imports(source)
    .filter((name) => {
      if (name.startsWith('.')) return relative(join(root, folder), resolve(root, file, '..', name)).startsWith('..');
      return (
        name.startsWith('@tandem/') &&
        !allow.some((a) => name === a || (!a.endsWith('/config') && name.startsWith(`${a}/`)))
      );
    })
    .map((name) => `${file} imports ${name}`);
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.(ts|tsx|mts|mjs)$/.test(f) && !/(^|\/)(node_modules|out|\.next|dist|cdk\.out[^/]*)\//.test(f))
    .map((f) => join(folder, f));
}

/** Tests may look at what they test from outside: they are held to nothing but staying tests. */
const isTest = (file: string) => /\.test\.tsx?$|\/testing(\/|\.ts)/.test(file);

test.each(Object.keys(allowed))('%s imports only what its place in the house allows', (folder) => {
  const files = sources(folder).filter((f) => !isTest(f));
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap((f) => violations(folder, f, readFileSync(join(root, f), 'utf8')))).toEqual([]);
});

test('dependencies are reached through the one guard: nobody else imports the library behind it', () => {
  const users = Object.keys(allowed)
    .flatMap(sources)
    .filter((f) => imports(readFileSync(join(root, f), 'utf8')).includes('cockatiel'));
  expect(users).toEqual(['packages/service/src/resilience.ts']);
});

test('the check sees an arrow that points the wrong way', () => {
  expect(
    violations('packages/protocol', 'packages/protocol/src/x.ts', "import { Call } from '@tandem/rtc';"),
  ).toHaveLength(1);
  expect(violations('packages/rtc', 'packages/rtc/src/x.ts', "import '../../../apps/auth/src/app.ts';")).toHaveLength(
    1,
  );
  expect(violations('infra', 'infra/src/x.ts', "import { start } from '@tandem/auth';")).toHaveLength(1);
  expect(violations('apps/auth', 'apps/auth/src/x.ts', "await import('@tandem/signaling/config')")).toHaveLength(1);
  expect(violations('infra', 'infra/src/x.ts', "import { AuthConfig } from '@tandem/auth/config';")).toEqual([]);
  expect(violations('apps/client', 'apps/client/src/x.ts', "import type { Call } from '@tandem/rtc';")).toEqual([]);
});
