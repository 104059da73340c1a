// `npm run house [-- REF]`: how the code is shaped, here and at REF (default: HEAD alone): functions over 60 lines, files over 300 lines,
// import circles, words that docs/glossary.md avoids. `npm run bench -- install` measures the install.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ts } from './lib/typescript-api.mjs';

const root = join(import.meta.dirname, '..');
const FUNCTION_LINES = 60;
const FILE_LINES = 300;
/** Private words of the glossary's table, as they were used in names and comments. */
const AVOIDED =
  /\b(whoever|nobody|is told|are told|so many|so long|so often|doubts?|debts?|owes?|knock|newcomers?|spare|uplink|talk|arrange)\b/gi;

/** Source files of the product below `folder`; tests, generated and built files are no part of it. */
function sources(folder) {
  return ['packages', 'apps', 'infra', 'scripts', 'examples']
    .flatMap((top) =>
      readdirSync(join(folder, top), { recursive: true, encoding: 'utf8' }).map((file) => join(top, file)),
    )
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !file.endsWith('.d.ts'))
    .filter((file) => !/(^|\/)(node_modules|out|\.next|dist|cdk\.out[^/]*|testing)\/|\.test\.tsx?$/.test(file));
}

/** Names and lines of the functions in `text` that are too long. */
function longFunctions(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const line = (at) => source.getLineAndCharacterOfPosition(at).line + 1;
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const lines = line(node.end) - line(node.getStart()) + 1;
      if (lines > FUNCTION_LINES)
        found.push(
          `${file}:${line(node.getStart())} ${node.name?.getText() ?? node.parent.name?.getText() ?? '(anonymous)'} ${lines}`,
        );
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function measure(folder) {
  const files = sources(folder).map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
  const arrows = spawnSync(process.execPath, [join(root, 'scripts/arrows.mjs'), '--every-circle'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (!/ violations$/m.test(arrows.stdout)) throw new Error(`scripts/arrows.mjs failed: ${arrows.stderr}`);
  return {
    functions: files.flatMap(({ file, text }) => longFunctions(file, text)),
    files: files
      .map(({ file, text }) => `${file} ${text.split('\n').length - 1}`)
      .filter((entry) => Number(entry.split(' ')[1]) > FILE_LINES),
    circles: arrows.stdout.split('\n').filter((entry) => entry.startsWith('no-circle')),
    words: files.flatMap(({ file, text }) => [...text.matchAll(AVOIDED)].map(([word]) => `${file} ${word}`)),
  };
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
