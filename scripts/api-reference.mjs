// The reference of a package's public API as Markdown, from its exports and their docstrings. scripts/generate-docs.ts writes the pages.
import { resolve } from 'node:path';
import { ts } from './lib/typescript-api.mjs';

/** Text of the docstring of `symbol`, links as plain code. */
function summary(symbol, checker) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  return text.replaceAll(/\{@link\s+([^}]+?)\s*\}/g, '`$1`').trim();
}

/** `@default 5`, `@throws …`, `@example …` and the like, one paragraph each. */
function tags(symbol) {
  return symbol.getJsDocTags().flatMap((tag) => {
    const text = ts.displayPartsToString(tag.text).trim();
    if (tag.name === 'example') return [`\`\`\`ts\n${text.replace(/^```\w*\n?|\n?```$/g, '')}\n\`\`\``];
    if (tag.name === 'public') return [];
    return [`*${tag.name}* ${text}`];
  });
}

const oneLine = (text) => text.replaceAll(/\s+/g, ' ').trim();
const cell = (text) => oneLine(text).replaceAll('|', '\\|');

/** A member that users see: not private, not `#`, not inherited from a library. */
function isPublicMember(member) {
  const declaration = member.declarations?.[0];
  if (!declaration || member.name.startsWith('__') || member.name.startsWith('#')) return false;
  if (declaration.getSourceFile().fileName.includes('/node_modules/')) return false;
  return !(ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
}

/** Declaration without bodies and initializers, as one line. */
function signature(member, checker) {
  const declaration = member.declarations?.[0];
  const type = checker.getTypeOfSymbolAtLocation(member, declaration);
  const text = checker.typeToString(type, declaration, ts.TypeFormatFlags.NoTruncation);
  const optional = member.flags & ts.SymbolFlags.Optional ? '?' : '';
  return `${member.name}${optional}: ${text.replaceAll(/import\("[^"]*"\)\./g, '')}`;
}

function membersTable(type, checker) {
  const members = checker.getPropertiesOfType(type).filter(isPublicMember);
  if (members.length === 0) return [];
  const rows = members.map((member) => {
    const extra = tags(member).filter((tag) => !tag.startsWith('```'));
    return `| \`${cell(signature(member, checker)).replaceAll('`', '')}\` | ${cell([summary(member, checker), ...extra].join(' '))} |`;
  });
  return ['| Member | |', '| --- | --- |', ...rows, ''];
}

/** One section: kind and name, docstring, members or definition. */
function section(name, symbol, checker) {
  const declaration = symbol.declarations?.[0];
  if (!declaration) return [];
  const head = (kind) => [`## ${kind} \`${name}\``, '', ...paragraphs(symbol, checker)];
  if (ts.isClassDeclaration(declaration)) {
    const [construct] = checker.getTypeOfSymbolAtLocation(symbol, declaration).getConstructSignatures();
    const made = construct ? [`\`new ${name}${checker.signatureToString(construct).replace(/: \w+$/, '')}\``, ''] : [];
    return [...head('class'), ...made, ...membersTable(checker.getDeclaredTypeOfSymbol(symbol), checker)];
  }
  if (ts.isInterfaceDeclaration(declaration))
    return [...head('interface'), ...membersTable(checker.getDeclaredTypeOfSymbol(symbol), checker)];
  if (ts.isFunctionDeclaration(declaration)) {
    const [call] = checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures();
    return [...head('function'), `\`${name}${call ? checker.signatureToString(call) : ''}\``, ''];
  }
  return [...head('type'), '```ts', declaration.getText().replace(/^export\s+/, ''), '```', ''];
}

function paragraphs(symbol, checker) {
  return [summary(symbol, checker), ...tags(symbol)].filter(Boolean).flatMap((text) => [text, '']);
}

/** The public exports of `entry` (a path from `root`) and those of them that have no docstring. */
export function apiReference(root, entry) {
  const program = ts.createProgram([resolve(root, entry)], {
    target: ts.ScriptTarget.ESNext,
    jsx: ts.JsxEmit.ReactJSX,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(resolve(root, entry));
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${entry}: no module`);
  const exported = checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    page: exported.flatMap((symbol) => section(symbol.name, symbol, checker)).join('\n'),
    undocumented: exported.filter((symbol) => !summary(symbol, checker)).map((symbol) => symbol.name),
  };
}
