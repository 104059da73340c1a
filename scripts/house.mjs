// `npm run house [-- REF]`: how the code is shaped, here and at REF (default: HEAD alone): functions over 60 lines, files over 300 lines,
// import circles, words that docs/glossary.md avoids. `npm run bench -- install` measures the install.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { FILE_LINES, FUNCTION_LINES, measureSources } from './lib/house-counts.mjs';

const root = join(import.meta.dirname, '..');
function measure(folder) {
  const arrows = spawnSync(process.execPath, [join(root, 'scripts/arrows.mjs'), '--every-circle'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (!/ violations$/m.test(arrows.stdout)) throw new Error(`scripts/arrows.mjs failed: ${arrows.stderr}`);
  const circles = arrows.stdout.split('\n').filter((entry) => entry.startsWith('no-circle'));
  return { ...measureSources(folder), circles };
}

/** Measures the tree of a commit. */
function measureCommit(ref) {
  const folder = mkdtempSync(join(tmpdir(), 'house-'));
  try {
    execFileSync('sh', ['-c', `git archive ${JSON.stringify(ref)} | tar x -C ${JSON.stringify(folder)}`], {
      cwd: root,
    });
    return measure(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const args = process.argv.slice(2).filter((arg) => arg !== '--list');
const now = measure(root);
const before = args[0] ? measureCommit(args[0]) : undefined;
const rows = [
  [`functions over ${FUNCTION_LINES} lines`, 'functions'],
  [`files over ${FILE_LINES} lines`, 'files'],
  ['import circles', 'circles'],
  ['words that the glossary avoids', 'words'],
];
console.log(`${''.padEnd(34)}${before ? args[0].padEnd(12) : ''}${relative(process.cwd(), root) || 'here'}`);
for (const [label, key] of rows)
  console.log(`${label.padEnd(34)}${before ? String(before[key].length).padEnd(12) : ''}${now[key].length}`);
if (process.argv.includes('--list')) for (const [, key] of rows) console.log(`\n${key}\n  ${now[key].join('\n  ')}`);
