// `npm run relay`: gets the relay into the cache, or a newer one with --renew; `--into DIR` copies it (for the image).
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { obtainRelay } from './lib/relay-program.mjs';

try {
  const { values } = parseArgs({ options: { renew: { type: 'boolean' }, into: { type: 'string' } } });
  const folder = obtainRelay({ renew: values.renew ?? false, say: (line) => console.log(`  ${line}`) });
  const { version, digest, packages } = JSON.parse(readFileSync(join(folder, 'engine.json'), 'utf8'));
  if (values.into) cpSync(folder, values.into, { recursive: true, verbatimSymlinks: true });
  console.log(`  coturn ${version}, ${packages.length} packages, SHA-256 ${digest}`);
  console.log(`  ${values.into ?? folder}`);
} catch (error) {
  console.error(`  relay: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
