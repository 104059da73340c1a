/** A self-signed certificate for this machine's names, kept so that a phone trusts it once. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Undefined also for one that a full disk or a crash cut short. */
function readNote(file: string): { names?: unknown; until?: unknown } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Make it, or take the one of an earlier run when it names the same addresses and lasts another week. */
export async function selfSigned(dir: string, addresses: readonly string[]): Promise<CertificateFiles> {
  const files = { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
  const noteFile = join(dir, 'certificate.json');
  const names = addresses.join(',');
  if (existsSync(files.cert) && existsSync(files.key)) {
    const note = readNote(noteFile);
    if (note?.names === names && Number(note.until) - Date.now() > 7 * 86_400_000) return files;
  }
  const { generate } = await import('selfsigned');
  const until = Date.now() + 90 * 86_400_000;
  const made = await generate([{ name: 'commonName', value: 'tandem.local' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(until),
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [{ type: 2, value: 'localhost' }, ...addresses.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  });
  mkdirSync(dir, { recursive: true });
  writeFileSync(files.cert, made.cert);
  writeFileSync(files.key, made.private, { mode: 0o600 });
  writeFileSync(noteFile, JSON.stringify({ names, until }));
  return files;
}
