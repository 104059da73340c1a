/**
 * The public API of the constructs as one text, from the declarations: infra/api-report.txt, and the properties that constructs know
 * (infra/src/known-props.ts). `--check` compares instead of writing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declarations } from './build.ts';

export const REPORT = join(import.meta.dirname, '..', 'api-report.txt');
export const KNOWN_PROPS = join(import.meta.dirname, '..', 'src', 'known-props.ts');

/** Exported declarations, in the order of index.ts, without comments and imports. */
export function apiReport(): string {
  const out = mkdtempSync(join(tmpdir(), 'tandem-api-'));
  try {
    declarations(out);
    const folder = join(out, 'infra', 'src');
    const index = readFileSync(join(folder, 'index.d.ts'), 'utf8');
    const sections: string[] = [];
    for (const [, names = '', file = ''] of index.matchAll(
      /export (?:type )?\{([^}]*)\} from '\.\/(.+?)\.(?:ts|js)'/g,
    )) {
      const text = readFileSync(join(folder, `${file}.d.ts`), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
      const wanted = names
        .split(',')
        .map((name) => name.replace(/\btype\b/, '').trim())
        // A list over several lines ends with a comma.
        .filter(Boolean);
      for (const name of wanted) {
        const found = new RegExp(
          `^export (?:declare )?(?:abstract )?(?:class|interface|type) ${name}\\b[\\s\\S]*?^}`,
          'm',
        ).exec(text);
        if (!found) throw new Error(`api report: ${name} is not declared in ${file}.d.ts`);
        sections.push(
          found[0]
            .split('\n')
            .filter((line) => line.trim() && !/^\s*private\b/.test(line))
            .join('\n'),
        );
      }
    }
    return `Public API of @tandem/infra. Generated: npm run api. A change here is a change for users.\n\n${sections.join('\n\n')}\n`;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Properties of each interface of the report, with those that it inherits, as source text. @param report of {@link apiReport} */
export function knownProps(report: string): string {
  const own = new Map<string, { parents: readonly string[]; props: readonly string[] }>();
  for (const [, name = '', parents = '', body = ''] of report.matchAll(
    /^export interface (\w+)(?: extends ([\w, ]+))? \{\n([\s\S]*?)^\}/gm,
  ))
    own.set(name, {
      parents: parents.split(', ').filter(Boolean),
      props: [...body.matchAll(/^ {4}readonly (\w+\??): ([^;]+);/gm)].map(
        ([, prop, type = '']) => `${prop}: ${type.replace(/^\{\s*readonly \[name: string\]: /, 'map of ')}`,
      ),
    });
  /** What an interface of another library has is not listed. */
  const all = (name: string): readonly string[] => {
    const found = own.get(name);
    return found ? [...new Set([...found.parents.flatMap(all), ...found.props])] : [];
  };
  const lines = [...own.keys()].map((name) => {
    const text = `'${all(name).join('; ')}',`;
    // As the formatter breaks it.
    return `  ${name}:${name.length + text.length > 116 ? '\n   ' : ''} ${text}\n`;
  });
  return `/** Properties of each public interface, and their types. Generated: npm run api; checkProps reads it. */\nexport const KNOWN_PROPS = {\n${lines.join('')}} as const;\n`;
}

if (process.argv[1] === import.meta.filename) {
  const report = apiReport();
  for (const [file, text] of [
    [REPORT, report],
    [KNOWN_PROPS, knownProps(report)],
  ] as const)
    if (!process.argv.includes('--check')) writeFileSync(file, text);
    else if (readFileSync(file, 'utf8') !== text) {
      console.error(`${file} is out of date. Fix: npm run api, and look at the difference.`);
      process.exitCode = 1;
    }
}
