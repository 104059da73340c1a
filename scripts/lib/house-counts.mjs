// How the code is shaped: its long functions, long files and avoided words. `npm run house` prints them, test/house.test.ts bounds them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ts } from './typescript-api.mjs';

export const FUNCTION_LINES = 60;
export const FILE_LINES = 300;
/** Private words of the glossary's table, as they were used in names and comments. */
const AVOIDED =
  /\b(whoever|nobody|is told|are told|so many|so long|so often|doubts?|debts?|owes?|knock|newcomers?|spare|uplink|talk|arrange)\b/gi;

/** This file: it names the words. */
const LIST_OF_WORDS = 'scripts/lib/house-counts.mjs';

/** A language is one file, which its translator reads from top to bottom: a list of texts is no code. */
const TEXTS = /^apps\/client\/src\/i18n\/(en-lazy|[a-z]{2}(-[a-z]+)?)\.ts$/;

/** Source files of the product below `folder`; tests, generated and built files are no part of it. */
function sources(folder) {
  return ['packages', 'apps', 'infra', 'scripts', 'examples']
    .flatMap((top) =>
      readdirSync(join(folder, top), { recursive: true, encoding: 'utf8' }).map((file) => join(top, file)),
    )
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !file.endsWith('.d.ts'))
    .filter(
      (file) =>
        file !== LIST_OF_WORDS &&
        !/(^|\/)(node_modules|out|\.next|dist|cdk\.out[^/]*|testing)\/|\.test\.tsx?$/.test(file),
    );
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

/**
 * Each finding begins with its file, relative to `folder`.
 *
 * @param {string} folder
 * @returns {{ functions: string[], files: string[], words: string[] }}
 */
export function measureSources(folder) {
  const files = sources(folder).map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
  return {
    functions: files.flatMap(({ file, text }) => longFunctions(file, text)),
    files: files
      .filter(({ file }) => !TEXTS.test(file))
      .map(({ file, text }) => `${file} ${text.split('\n').length - 1}`)
      .filter((entry) => Number(entry.split(' ')[1]) > FILE_LINES),
    words: files.flatMap(({ file, text }) => [...text.matchAll(AVOIDED)].map(([word]) => `${file} ${word}`)),
  };
}
