/** `npm run render:compose` writes compose.yaml; `npm run compose:secrets` writes .env when there is none. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { renderCompose } from './render.ts';

const root = resolve(import.meta.dirname, '../..');
const secret = () => randomBytes(24).toString('base64url');

if (process.argv[2] === 'secrets') {
  const file = join(root, '.env');
  if (existsSync(file)) {
    console.log('.env is there already; delete it to make new secrets.');
  } else {
    writeFileSync(file, `TANDEM_CACHE_PASSWORD=${secret()}\nTANDEM_TURN_SECRET=${secret()}\n`, { mode: 0o600 });
    console.log('.env written. Next: docker compose up --build');
  }
} else {
  writeFileSync(join(root, 'compose.yaml'), renderCompose());
  console.log('compose.yaml written.');
}
