/** `npm run bench -- NAME [options]`; without a name: what there is. */
import { readdirSync } from 'node:fs';

interface Bench {
  readonly summary: string;
  run(args: string[]): Promise<void>;
}

const here = new URL('.', import.meta.url);
const names = readdirSync(here)
  .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && f !== 'run.ts')
  .map((f) => f.slice(0, -3))
  .sort();
const load = async (name: string) => (await import(new URL(`${name}.ts`, here).href)) as Bench;

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && names.includes(name)) {
  await (await load(name)).run(args);
} else {
  if (name !== undefined) console.error(`There is no benchmark ${name}.`);
  console.log('npm run bench -- NAME\n');
  for (const n of names) console.log(`  ${n.padEnd(10)} ${(await load(n)).summary}`);
  process.exitCode = name === undefined ? 0 : 1;
}
