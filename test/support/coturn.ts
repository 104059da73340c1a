/** A real coturn on loopback that is reached over UDP, TCP and TLS, with a certificate of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tandem/service/testing';
import { selfSigned } from '../../infra/local/certificate.ts';
import { findProgram } from '../../infra/local/programs.ts';

export interface Coturn extends AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number;
  /** Of its one user; of nobody when it has a secret. */
  readonly username: string;
  readonly credential: string;
  /** PEM file of its self-signed certificate. */
  readonly certificate: string;
}

async function listens(port: number, until: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    if (Date.now() > until) throw new Error(`coturn does not listen on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * @param secret shared with auth, in place of the one user
 * @throws Error with the install line when there is no coturn
 */
export async function startCoturn(secret?: string): Promise<Coturn> {
  const program = findProgram('turnserver');
  if (!program) throw new Error('missing: apt-get install coturn');
  const folder = await mkdtemp(join(tmpdir(), 'tandem-coturn-'));
  const { cert, key } = await selfSigned(folder, ['127.0.0.1']);
  const [port, tlsPort] = await Promise.all([freePort(), freePort()]);
  const user = { username: 'ada', credential: 'analytical' };
  const relays = 40_000 + (port % 400) * 20;
  const child = spawn(
    program,
    [
      '-n --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --allow-loopback-peers --no-multicast-peers',
      `--listening-port=${port} --tls-listening-port=${tlsPort} --min-port=${relays} --max-port=${relays + 19}`,
      `--cert=${cert} --pkey=${key} --no-dtls --no-cli --fingerprint`,
      secret
        ? `--use-auth-secret --static-auth-secret=${secret} --realm=test`
        : `--lt-cred-mech --user=${user.username}:${user.credential} --realm=test`,
      `--log-file=stdout --simple-log --pidfile=${folder}/pid --userdb=${folder}/db`,
    ].flatMap((line) => line.split(' ')),
    { stdio: 'ignore' },
  );
  const gone = once(child, 'exit');
  const dispose = async () => {
    child.kill('SIGKILL');
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const until = Date.now() + 30_000;
    await Promise.all([listens(port, until), listens(tlsPort, until)]);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { port, tlsPort, ...user, certificate: cert, [Symbol.asyncDispose]: dispose };
}
