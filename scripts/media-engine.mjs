// `npm run media:engine`: gets the media engine into the cache, or a newer one with --renew; `--into DIR` copies it (for the image);
// `--srtp-source DIR` is the source of libsrtp 2, where the mirror of Debian has no sources.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { obtainEngine } from './lib/media-engine.mjs';

try {
  const { values } = parseArgs({
    options: { renew: { type: 'boolean' }, into: { type: 'string' }, 'srtp-source': { type: 'string' } },
  });
  const folder = obtainEngine({
    renew: values.renew ?? false,
    srtpSource: values['srtp-source'],
    say: (line) => console.log(`  ${line}`),
  });
  const { version, digest, packages, rebuilt } = JSON.parse(readFileSync(join(folder, 'engine.json'), 'utf8'));
  if (values.into) cpSync(folder, values.into, { recursive: true, verbatimSymlinks: true });
  console.log(`  janus ${version}, ${packages.length} packages, SHA-256 ${digest}`);
  if (rebuilt) console.log(`  ${rebuilt}`);
  console.log(`  ${values.into ?? folder}`);
} catch (error) {
  console.error(`  media engine: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
