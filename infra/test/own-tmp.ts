/**
 * What tests leave in the folder for temporary files goes with the run: an `App` of the CDK without `outdir` writes its templates there
 * and keeps them, 1,700 folders and 370 MB each time.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

export function setup({ config }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'infra-'));
  // Programs of other users reach what is theirs.
  chmodSync(folder, 0o711);
  config.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
