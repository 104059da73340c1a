/**
 * The certificate of `turns:` where coturn ends TLS itself (one host, no load balancer). Another program keeps it in a folder and
 * renews it there; Caddy writes `<folder>/…/<name>/<name>.crt` and `.key`. The node copies a pair that belongs together, so that
 * coturn never reads one that is half renewed.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** PEM files that coturn reads. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export class FollowedCertificate {
  readonly #folder: string;
  readonly #name: string;
  readonly #files: CertificateFiles;
  #fingerprint = '';

  /**
   * @param folder where the keeper of the certificate writes
   * @param name DNS name that it is for
   * @param runDir where the copies go, readable by this user alone
   */
  constructor(folder: string, name: string, runDir: string) {
    this.#folder = folder;
    this.#name = name;
    this.#files = { cert: join(runDir, 'tls.crt'), key: join(runDir, 'tls.key') };
  }

  /** What coturn may read; undefined while there was no certificate yet. */
  get files(): CertificateFiles | undefined {
    return this.#fingerprint === '' ? undefined : this.#files;
  }

  /**
   * Copy the newest pair when it is another one than before.
   * @returns whether it is; false also while the folder holds none
   * @throws Error when the folder cannot be read
   */
  async refresh(): Promise<boolean> {
    for (const path of await this.#newestFirst()) {
      const pair = await readPair(path);
      if (!pair) continue;
      if (pair.fingerprint === this.#fingerprint) return false;
      await replace(this.#files.key, pair.key);
      await replace(this.#files.cert, pair.cert);
      this.#fingerprint = pair.fingerprint;
      return true;
    }
    return false;
  }

  async #newestFirst(): Promise<string[]> {
    const entries = await readdir(this.#folder, { recursive: true });
    const paths = entries
      .filter((path) => basename(path) === `${this.#name}.crt`)
      .map((path) => join(this.#folder, path));
    const aged = await Promise.all(
      paths.map(async (path) => ({
        path,
        time: await stat(path).then(
          (s) => s.mtimeMs,
          () => 0,
        ),
      })),
    );
    return aged.sort((a, b) => b.time - a.time).map(({ path }) => path);
  }
}

/** @returns the pair, or undefined when certificate and key do not belong together (yet) or are unreadable */
async function readPair(path: string) {
  try {
    const [cert, key] = await Promise.all([readFile(path), readFile(path.replace(/\.crt$/, '.key'))]);
    const parsed = new X509Certificate(cert);
    return parsed.checkPrivateKey(createPrivateKey(key))
      ? { cert, key, fingerprint: parsed.fingerprint256 }
      : undefined;
  } catch {
    return undefined;
  }
}

async function replace(path: string, bytes: Buffer): Promise<void> {
  await writeFile(`${path}.new`, bytes, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
