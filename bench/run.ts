/** `npm run bench -- NAME [options]`; without a name: what there is. */
import { readdirSync } from 'node:fs';
import { buildClient } from '../scripts/lib/setup.mjs';

interface Bench {
  readonly summary: string;
  /** It opens the page, which is built first when a source is newer. */
  readonly opensPage?: true;
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
  const bench = await load(name);
  if (bench.opensPage) buildClient();
  await bench.run(args);
} else {
  if (name !== undefined) console.error(`There is no benchmark ${name}.`);
  console.log('npm run bench -- NAME\n');
  for (const n of names) console.log(`  ${n.padEnd(10)} ${(await load(n)).summary}`);
  process.exitCode = name === undefined ? 0 : 1;
}
