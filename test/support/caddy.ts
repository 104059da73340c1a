/** Real Caddy with infra/compose/Caddyfile, as the container `tls` runs it, and an authority of its own in place of a public one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { findProgram } from '../../infra/local/programs.ts';

export interface CaddyOptions {
  readonly domain: string;
  /** Where the certificates are kept. */
  readonly folder: string;
  readonly ports: { readonly http: number; readonly https: number };
  /** `host:port` of the edge. */
  readonly edge: string;
}

export interface Caddy extends AsyncDisposable {
  /** PEM file of its root certificate. */
  readonly authority: string;
  /** PEM file of the page's certificate. */
  readonly certificate: string;
}

/** Resolves when there is a certificate. @throws Error with the install line when there is no Caddy */
export async function startCaddy({ domain, folder, ports, edge }: CaddyOptions): Promise<Caddy> {
  const program = findProgram('caddy');
  if (!program) throw new Error('missing: apt-get install caddy');
  const file = join(import.meta.dirname, '../../infra/compose/Caddyfile');
  const child = spawn(program, ['run', '--config', file, '--adapter', 'caddyfile'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      TANDEM_DOMAIN: domain,
      TANDEM_TLS_ISSUER: 'internal',
      CERTIFICATE_FOLDER: folder,
      LISTEN_HTTP: String(ports.http),
      LISTEN_HTTPS: String(ports.https),
      EDGE_ADDRESS: edge,
    },
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said = `${said}${chunk}`.slice(-4000)));
  const gone = once(child, 'exit');
  const certificate = join(folder, 'certificates/local', domain, `${domain}.crt`);
  try {
    await vi.waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(`caddy ended: ${said}`);
        if (!existsSync(certificate)) throw new Error(`no certificate yet: ${said}`);
      },
      { timeout: 30_000, interval: 100 },
    );
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    authority: join(folder, 'pki/authorities/local/root.crt'),
    certificate,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
