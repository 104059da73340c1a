/**
 * Finds what docs get wrong with time: links to files or headings that are gone, `npm` scripts that do not exist, `node`
 * commands for files that are not there. `node scripts/check-docs.ts` prints each with file and line.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

export interface DocProblem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

/** Every Markdown file of the repository, committed or about to be. */
export function markdownFiles(root: string): string[] {
  return execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.md'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((f) => f && existsSync(resolve(root, f)));
}

/** GitHub's way from a heading to its anchor. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function anchors(text: string): Set<string> {
  const counts = new Map<string, number>();
  const result = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const base = slug(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    const n = counts.get(base) ?? 0;
    counts.set(base, n + 1);
    result.add(n === 0 ? base : `${base}-${n}`);
  }
  return result;
}

interface Manifest {
  readonly name?: string;
  readonly scripts?: Record<string, string>;
}

/** Problems of one document. @param file path from `root` */
export function checkDoc(root: string, file: string, text = readFileSync(resolve(root, file), 'utf8')): DocProblem[] {
  const problems: DocProblem[] = [];
  const manifests = new Map<string, Manifest>();
  for (const path of execFileSync('git', ['ls-files', '--', 'package.json', '*/package.json'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(Boolean)) {
    const manifest = JSON.parse(readFileSync(resolve(root, path), 'utf8')) as Manifest;
    manifests.set(dirname(path), manifest);
    if (manifest.name) manifests.set(manifest.name, manifest);
  }
  let fenced: string | undefined;
  text.split('\n').forEach((raw, index) => {
    const say = (problem: string) => problems.push({ file, line: index + 1, problem });
    const fence = /^\s*```(\w*)/.exec(raw);
    if (fence) {
      fenced = fenced === undefined ? fence[1] || 'text' : undefined;
      return;
    }
    if (fenced === undefined) checkLinks(root, file, raw.replaceAll(/`[^`]*`/g, ''), text, say);
    if (fenced === undefined || ['', 'text', 'sh', 'bash', 'console', 'shell'].includes(fenced))
      for (const command of commandsOf(raw, fenced !== undefined)) checkCommand(root, command, manifests, say);
  });
  return problems;
}

function checkLinks(root: string, file: string, line: string, own: string, say: (problem: string) => void): void {
  const targets = [/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g, /\b(?:src|href)="([^"]+)"/g].flatMap((form) => [
    ...line.matchAll(form),
  ]);
  for (const [, target = ''] of targets) {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
    const [path = '', fragment] = target.split('#');
    const full = path ? resolve(root, dirname(file), decodeURIComponent(path)) : resolve(root, file);
    if (path.startsWith('/')) say(`link from the root, which forges resolve differently: ${target}`);
    else if (relative(root, full).startsWith('..')) {
      // ../../security/advisories and the like are pages of the forge.
      if (!path.includes('/security/') && !path.includes('/issues')) say(`link out of the repository: ${target}`);
    } else if (!existsSync(full)) say(`dead link: ${target}`);
    else if (fragment && full.endsWith('.md')) {
      const text = path ? readFileSync(full, 'utf8') : own;
      if (!anchors(text).has(fragment)) say(`no such heading: ${target}`);
    }
  }
}

/** Commands in code spans, and whole lines of shell blocks and indented blocks. */
function commandsOf(line: string, inFence: boolean): string[] {
  if (inFence || /^ {4}\S/.test(line)) return line.split(/&&|\|\||;|\|/).map((c) => c.trim().replace(/^\$ /, ''));
  return [...line.matchAll(/`([^`]+)`/g)].flatMap(([, code = '']) => code.split(/&&|;/).map((c) => c.trim()));
}

const NPM_OWN = new Set([
  'ci',
  'i',
  'install',
  'test',
  'start',
  'exec',
  'view',
  'audit',
  'sbom',
  'pack',
  'init',
  'config',
  'ls',
  'why',
  'outdated',
]);

/** Names in vitest.config.ts. */
const testProjects = (root: string) =>
  Array.from(
    readFileSync(resolve(root, 'vitest.config.ts'), 'utf8').matchAll(/\bname: '([\w-]+)'/g),
    ([, name]) => name,
  );

function checkCommand(
  root: string,
  command: string,
  manifests: Map<string, Manifest>,
  say: (problem: string) => void,
): void {
  const words = command.replace(/^(?:[A-Z_][A-Z0-9_]*=\S*\s+)+/, '').split(/\s+/);
  const [program, ...args] = words;
  if (program === 'npm') {
    const at = args.findIndex((a) => a === '-w' || a === '--workspace');
    const workspace = at >= 0 ? args[at + 1] : undefined;
    const rest = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
    const verb = rest.find((a) => !a.startsWith('-'));
    const script = verb === 'run' ? rest.slice(rest.indexOf('run') + 1).find((a) => !a.startsWith('-')) : verb;
    if (!script) return;
    if (verb !== 'run' && NPM_OWN.has(script) && script !== 'start' && script !== 'test') return;
    if (verb !== 'run' && !NPM_OWN.has(script)) return;
    const manifest = manifests.get(workspace ? workspace.replace(/^\.\//, '') : '.');
    if (!manifest) say(`no such workspace: ${command}`);
    else if (rest.includes('--workspaces') || /[<>…]/.test(script)) return;
    else if (!manifest.scripts?.[script]) say(`no such npm script: ${command}`);
    else if (script === 'bench') {
      const name = args[args.indexOf('--') + 1];
      if (args.includes('--') && name && /^[a-z]+$/.test(name) && !existsSync(resolve(root, `bench/${name}.ts`)))
        say(`no such benchmark: ${command}`);
    }
  } else if (program === 'node' || program === 'bash' || program === 'sh') {
    const file = args.find((a) => !a.startsWith('-'));
    if (!file || !/\.(?:[mc]?[jt]s|sh)$/.test(file) || /[<>*…]/.test(file)) return;
    if (!existsSync(resolve(root, file))) say(`no such file: ${command}`);
  } else if (program === 'npx' && args[0] === 'vitest') {
    for (const file of args.filter((a) => a.includes('/') && !/[<>*…]/.test(a)))
      if (!existsSync(resolve(root, file))) say(`no such test: ${command}`);
    const project = args[args.indexOf('--project') + 1];
    if (args.includes('--project') && !testProjects(root).includes(project ?? '')) say(`no such project: ${command}`);
  }
}

/** Mermaid diagrams of a document with the line they start on. */
export function diagramsOf(text: string): { line: number; code: string }[] {
  return [...text.matchAll(/^```mermaid\n([\s\S]*?)^```/gm)].map((m) => ({
    line: text.slice(0, m.index).split('\n').length,
    code: m[1] ?? '',
  }));
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const problems = markdownFiles(root).flatMap((file) => checkDoc(root, file));
  for (const p of problems) console.log(`${p.file}:${p.line}  ${p.problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
