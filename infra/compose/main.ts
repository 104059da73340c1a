/** `npm run render:compose` writes compose.yaml; `npm run compose:secrets` writes .env, or adds the secrets that it lacks. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { composeSecrets, mergeVariables } from './public-host.ts';
import { renderCompose } from './render.ts';

const root = resolve(import.meta.dirname, '../..');

if (process.argv[2] === 'secrets') {
  const file = join(root, '.env');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const text = mergeVariables(
    before,
    {},
    composeSecrets(() => randomBytes(32).toString('base64url')),
  );
  if (text === before) {
    console.log('.env has all secrets already; delete it to make new ones.');
  } else {
    writeFileSync(file, text, { mode: 0o600 });
    chmodSync(file, 0o600);
    console.log('.env written. Next: docker compose up --build');
  }
} else {
  writeFileSync(join(root, 'compose.yaml'), renderCompose());
  console.log('compose.yaml written.');
}
