/** A private redis-server for tests: free port, nothing on disk, gone with the test process. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../ports.ts';

export interface TestRedis extends AsyncDisposable {
  /** `redis://127.0.0.1:port/0`; over TLS `rediss://localhost:port/0`, the name that the certificate has. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Sends a signal: SIGSTOP and SIGCONT freeze and thaw, SIGKILL is a crash. */
  kill(signal: NodeJS.Signals): void;
  /** Starts it again on the same port after a crash (empty: nothing was on disk). */
  restart(): Promise<void>;
}

export interface TestRedisOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** More lines for the command line, e.g. `['--requirepass', 'x']`. */
  readonly args?: readonly string[];
  /** Serve TLS only, with this certificate. */
  readonly tls?: TestCertificate;
  /** Reads `--sentinel FILE` instead of the defaults. */
  readonly configFile?: string;
}

/** Self-signed for `localhost` and no address, as ElastiCache's certificates name endpoints only. */
export interface TestCertificate extends Disposable {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM, for whoever must trust it. */
  readonly ca: string;
}

/** @throws Error when openssl is missing */
export function makeCertificate(): TestCertificate {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-tls-'));
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const about = '-subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2';
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  const args = `req -x509 ${key} ${about} -keyout ${keyFile} -out ${certFile}`.split(' ');
  execFileSync('openssl', args, { stdio: 'pipe' });
  return {
    certFile,
    keyFile,
    ca: readFileSync(certFile, 'utf8'),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Start redis-server and wait until it serves. @throws Error with the install line when the program is missing */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-redis-'));
  const port = options.port ?? (await freePort());
  let child = await launch(port, dir, options);
  const end = async () => {
    await stop(child);
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    url: options.tls ? `rediss://localhost:${port}/0` : `redis://127.0.0.1:${port}/0`,
    port,
    get pid() {
      return child.pid as number;
    },
    kill: (signal) => void child.kill(signal),
    restart: async () => {
      await stop(child);
      child = await launch(port, dir, options);
    },
    [Symbol.asyncDispose]: end,
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await gone;
}

const filesOf = (tls: TestCertificate) => [
  ...['--tls-cert-file', tls.certFile],
  ...['--tls-key-file', tls.keyFile],
  ...['--tls-ca-cert-file', tls.certFile],
];

function launch(port: number, dir: string, options: TestRedisOptions): Promise<ChildProcess> {
  const { tls } = options;
  const listen = tls
    ? [
        '--port',
        '0',
        '--tls-port',
        String(port),
        '--tls-auth-clients',
        'no',
        '--tls-replication',
        'yes',
        ...filesOf(tls),
      ]
    : ['--port', String(port)];
  const args = options.configFile
    ? [options.configFile, '--sentinel']
    : [...listen, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  return new Promise((resolve, reject) => {
    const child = spawn('redis-server', [...args, ...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    const onData = (data: Buffer) => {
      output += data;
      if (/Ready to accept connections|Sentinel ID is|monitor master/.test(output)) {
        child.stdout?.off('data', onData);
        child.stdout?.resume();
        resolve(child);
      }
    };
    child.stdout?.on('data', onData);
    child.stderr?.on('data', onData);
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('redis-server is missing: apt-get install redis-server') : error),
    );
    child.once('exit', (code) => {
      running.delete(child);
      reject(new Error(`redis-server ended with ${code}: ${output.slice(-500)}`));
    });
  });
}
