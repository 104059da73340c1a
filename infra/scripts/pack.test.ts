/** The tarball as a stranger has it: what is in it, and every example of its README, synthesized from an empty folder. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readmeProgram } from '../test/readme-parts.ts';
import { BUNDLES } from '../topology/images.ts';
import { REPORT } from './api-report.ts';
import { PEERS } from './build.ts';
import { packPackage } from './pack.ts';

const infra = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'packed-'));
const installed = join(folder, 'node_modules/@tandem/infra');

beforeAll(async () => {
  const tarball = await packPackage(folder);
  writeFileSync(join(folder, 'package.json'), '{"name":"stranger","private":true,"type":"module"}');
  const quiet = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', ['install', tarball, ...quiet], { cwd: folder, stdio: 'pipe' });
  // The peers are 200 MB that this machine has already: linked, not fetched again.
  for (const peer of PEERS)
    symlinkSync(join(infra, '../node_modules', peer), join(folder, 'node_modules', peer), 'dir');
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the tarball holds built JavaScript, declarations, images, LICENSE, README and CHANGELOG, and no source', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  expect(files).toEqual(expect.arrayContaining(['index.js', 'index.d.ts', 'LICENSE', 'README.md', 'CHANGELOG.md']));
  for (const image of BUNDLES) expect(files).toContain(`images/${image}/main.mjs`);
  expect(files.filter((file) => /\.[mc]?ts$/.test(file) && !file.endsWith('.d.ts'))).toEqual([]);
  expect(JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))).not.toHaveProperty('dependencies');
});

test('npm pack in infra/ refuses to ship the sources, and says how to pack', () => {
  const run = spawnSync('npm', ['pack', '--dry-run'], { cwd: infra, encoding: 'utf8' });
  expect(run.status).not.toBe(0);
  expect(run.stderr).toContain('Fix: npm run package -w @tandem/infra');
});

test('the README has an example of each construct, and all of them synthesize from the installed package', () => {
  const code = readmeProgram(readFileSync(join(installed, 'README.md'), 'utf8'));
  const constructs = [...readFileSync(REPORT, 'utf8').matchAll(/^export (?:declare )?class (\w+)/gm)].map(
    ([, name]) => name,
  );
  expect(constructs.length).toBeGreaterThan(10);
  expect(constructs.filter((name) => !code.includes(`tandem.${name}`))).toEqual([]);
  writeFileSync(join(folder, 'app.ts'), code.replace('new App()', "new App({ outdir: 'cdk.out' })"));
  const run = spawnSync(process.execPath, ['app.ts'], { cwd: folder, encoding: 'utf8' });
  expect([run.status, run.stderr], run.stderr).toEqual([0, expect.not.stringMatching(/Error/)]);
  const templates = readdirSync(join(folder, 'cdk.out')).filter((file) => file.endsWith('.template.json'));
  expect(templates.sort()).toEqual(
    expect.arrayContaining(['Names.template.json', 'Parts.template.json', 'Whole.template.json']),
  );
});
