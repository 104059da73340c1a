/**
 * What a file of tests leaves in the folder for temporary files goes with it: an `App` of the CDK without `outdir` writes its templates there
 * and keeps them, 1,700 folders and 370 MB in a run.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const { TMPDIR } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'infra-'));
// Programs of other users reach what is theirs.
chmodSync(folder, 0o711);
process.env.TMPDIR = folder;

afterAll(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  rmSync(folder, { recursive: true, force: true });
});
