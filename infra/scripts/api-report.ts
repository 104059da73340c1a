/** The public API of the constructs as one text, from the declarations: infra/api-report.txt. `--check` compares instead of writing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declarations } from './build.ts';

export const REPORT = join(import.meta.dirname, '..', 'api-report.txt');

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

if (process.argv[1] === import.meta.filename) {
  const report = apiReport();
  if (!process.argv.includes('--check')) writeFileSync(REPORT, report);
  else if (readFileSync(REPORT, 'utf8') !== report) {
    console.error('infra/api-report.txt is out of date. Fix: npm run api, and look at the difference.');
    process.exitCode = 1;
  }
}
