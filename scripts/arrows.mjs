// `npm run arrows`: which folder imports which, and no import circles, as .dependency-cruiser.mjs says. Arguments replace the folders.
// dependency-cruiser parses by the JavaScript API of TypeScript, which TypeScript 7 does not have: it is given that of TypeScript 6.
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { typescriptPath } from './lib/typescript-api.mjs';

/** What dependency-cruiser asks for, as files of TypeScript 6. */
const files = {
  typescript: { path: typescriptPath, format: 'commonjs' },
  'typescript/package.json': { path: join(dirname(typescriptPath), '../package.json'), format: 'json' },
};
registerHooks({
  resolve(name, context, next) {
    const file = Object.hasOwn(files, name) ? files[name] : undefined;
    return file ? { url: pathToFileURL(file.path).href, format: file.format, shortCircuit: true } : next(name, context);
  },
});
const { cruise } = await import('dependency-cruiser');
const { default: config } = await import('../.dependency-cruiser.mjs');

const { options, ...ruleSet } = config;
const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
// For scripts/house.mjs, which measures older commits as well.
if (process.argv.includes('--every-circle'))
  ruleSet.forbidden = [{ name: 'no-circle', severity: 'error', from: {}, to: { circular: true } }];
const { output } = await cruise(folders.length > 0 ? folders : ['packages', 'apps', 'infra', 'examples', 'scripts'], {
  ...options,
  ruleSet,
  validate: true,
});
const { summary } = output;
for (const { rule, from, to, cycle } of summary.violations)
  console.log(`${rule.name}: ${[from, ...(cycle?.map((step) => step.name) ?? [to])].join(' → ')}`);
console.log(`${summary.totalCruised} files, ${summary.totalDependenciesCruised} imports, ${summary.error} violations`);
process.exitCode = summary.error > 0 ? 1 : 0;
