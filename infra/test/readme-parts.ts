/** Synthesizes the examples of infra/README.md from the sources; scripts/pack.test.ts does it from the packed package. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const infra = join(import.meta.dirname, '..');

/** The code of a README's chapter of examples, one program. @throws Error when there is none */
export function readmeProgram(readme: string): string {
  const start = readme.indexOf('## One example for each construct');
  if (start < 0) throw new Error('README: there is no chapter of examples');
  return [...readme.slice(start).matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block]) => block).join('\n');
}

/** Resources of the README's stack "Parts". */
export function readmeParts(): Record<string, ReturnType<typeof JSON.parse>> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-readme-'));
  try {
    symlinkSync(join(infra, '../node_modules'), join(folder, 'node_modules'), 'dir');
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    const program = readmeProgram(readFileSync(join(infra, 'README.md'), 'utf8'));
    writeFileSync(join(folder, 'app.ts'), program.replace('new App()', "new App({ outdir: 'cdk.out' })"));
    execFileSync(process.execPath, ['app.ts'], { cwd: folder, stdio: 'pipe' });
    return JSON.parse(readFileSync(join(folder, 'cdk.out/Parts.template.json'), 'utf8')).Resources;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
