/** One coturn process: started, told its secrets while it runs, its allocations counted, drained, ended. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { freePort } from '@tandem/service/ports';
import { readList } from '@tandem/service/settings';
import { startProgram } from '../../node-kit/child-process.ts';
import type { Host } from '../../node-kit/host.ts';
import { limited } from '../../node-kit/limited.ts';
import type { CertificateFiles } from './certificate.ts';
import type { TurnNodeConfig } from './config.ts';
import { cancelSessions } from './coturn-cli.ts';
import { type ProgramCall, relayProgram } from './location.ts';

export interface Coturn extends AsyncDisposable {
  readonly pid: number;
  /** Allocations open now. */
  readonly allocations: AllocationCount;
  /** End allocations by their ids. @throws Error when coturn's telnet interface does not answer */
  cancel(ids: readonly string[]): Promise<void>;
  /** Replace what coturn takes; it reads its database at each request, so nothing restarts. */
  setSecrets(secrets: readonly string[]): void;
  /** Read the certificate files again; open TLS connections go on with the old one. */
  reloadCertificate(): void;
  /** Refuse new allocations, where this version can (4.6.3 and later); open ones go on. True if it could. */
  refuseNew(): boolean;
  /** Settles when the process ends. */
  readonly ended: Promise<number | null>;
}

/** `--denied-peer-ip` beats nothing by itself: the own address is allowed again, or two clients on one node could not meet. */
export function coturnArguments(
  config: TurnNodeConfig,
  host: Pick<Host, 'publicIp' | 'privateIp'>,
  tls?: CertificateFiles,
  program: Pick<CoturnProgram, 'knows'> = { knows: () => false },
): string[] {
  // What newer versions have to be asked for is off in them, and the word that turned it off is gone.
  const off = (...names: string[]) => names.filter((name) => !program.knows(name)).map((name) => `--no-${name}`);
  return [
    '-c',
    settingsFile(config),
    '-v',
    `--listening-ip=${host.privateIp}`,
    `--relay-ip=${host.privateIp}`,
    ...(host.publicIp === host.privateIp ? [] : [`--external-ip=${host.publicIp}/${host.privateIp}`]),
    `--listening-port=${config.TURN_PORT}`,
    `--min-port=${config.RELAY_MIN_PORT}`,
    `--max-port=${config.RELAY_MAX_PORT}`,
    `--realm=${config.TURN_REALM}`,
    '--use-auth-secret',
    '--fingerprint',
    '--stale-nonce=600',
    ...(tls ? [...tlsArguments(config, tls), ...off('tlsv1', 'tlsv1_1')] : ['--no-tls']),
    ...off('dtls', 'rfc5780', 'software-attribute'),
    '--no-multicast-peers',
    '--no-tcp-relay',
    `--max-bps=${config.MAX_BYTES_PER_SECOND}`,
    `--user-quota=${config.USER_QUOTA}`,
    `--total-quota=${config.TOTAL_QUOTA}`,
    ...readList(config.DENIED_PEERS).map((range) => `--denied-peer-ip=${range}`),
    `--allowed-peer-ip=${host.publicIp}`,
    ...(host.publicIp === host.privateIp ? [] : [`--allowed-peer-ip=${host.privateIp}`]),
    ...(config.ALLOW_LOOPBACK_PEERS ? ['--allow-loopback-peers'] : []),
    '--log-file=stdout',
    '--simple-log',
    `--pidfile=${join(config.RUN_DIR, 'turnserver.pid')}`,
    `--userdb=${databaseFile(config)}`,
  ];
}

/** RFC 8996: TLS 1.0 and 1.1 must not be used; the caller turns them off. */
const tlsArguments = (config: TurnNodeConfig, tls: CertificateFiles) => [
  `--tls-listening-port=${config.TURN_TLS_PORT}`,
  `--cert=${tls.cert}`,
  `--pkey=${tls.key}`,
];

/** A file, as neither the password nor the mark of the log may stand in the list of processes. */
const settingsFile = (config: TurnNodeConfig) => join(config.RUN_DIR, 'turnserver.conf');
const databaseFile = (config: TurnNodeConfig) => join(config.RUN_DIR, 'turndb');

/**
 * Every table that coturn reads (its schema.sql). coturn makes them in a file that it makes itself, readable by all; in one that
 * it finds it makes none, and logs "no such table" every few seconds. With a write-ahead log its reads never wait for a rotation.
 */
const TABLES = `
PRAGMA journal_mode = WAL;
CREATE TABLE turnusers_lt (realm varchar(127) default '', name varchar(512), hmackey char(128), PRIMARY KEY (realm, name));
CREATE TABLE turn_secret (realm varchar(127) default '', value varchar(127), PRIMARY KEY (realm, value));
CREATE TABLE allowed_peer_ip (realm varchar(127) default '', ip_range varchar(256), PRIMARY KEY (realm, ip_range));
CREATE TABLE denied_peer_ip (realm varchar(127) default '', ip_range varchar(256), PRIMARY KEY (realm, ip_range));
CREATE TABLE turn_origin_to_realm (origin varchar(127), realm varchar(127), PRIMARY KEY (origin));
CREATE TABLE turn_realm_option (realm varchar(127) default '', opt varchar(32), value varchar(128), PRIMARY KEY (realm, opt));
CREATE TABLE oauth_key (kid varchar(128), ikm_key varchar(256), timestamp bigint default 0, lifetime integer default 0,
  as_rs_alg varchar(64) default '', realm varchar(127), PRIMARY KEY (kid));
CREATE TABLE admin_user (name varchar(32), realm varchar(127), password varchar(127), PRIMARY KEY (name));`;

/** A fresh database for this start, which only its owner reads: it holds the secrets. */
async function makeDatabase(config: TurnNodeConfig): Promise<void> {
  const file = databaseFile(config);
  await rm(file, { force: true });
  await (await open(file, 'wx', 0o600)).close();
  using database = new DatabaseSync(file);
  database.exec(TABLES);
}

/** coturn reads the table at each request, so nothing restarts. */
function writeSecrets(config: TurnNodeConfig, secrets: readonly string[]): void {
  using database = new DatabaseSync(databaseFile(config), { timeout: 5000 });
  database.exec('BEGIN IMMEDIATE');
  database.prepare('DELETE FROM turn_secret WHERE realm = ?').run(config.TURN_REALM);
  const add = database.prepare('INSERT INTO turn_secret (realm, value) VALUES (?, ?)');
  for (const secret of secrets) add.run(config.TURN_REALM, secret);
  database.exec('COMMIT');
}

/** A program that may be coturn of any version. */
interface CoturnProgram extends ProgramCall {
  readonly version: string;
  /** Whether it has the option `--name`, by its own help: options come and go between versions. */
  knows(name: string): boolean;
}

/** What it prints, whichever way it ends. */
async function printed({ command, args }: ProgramCall, option: string): Promise<string> {
  const done = await promisify(execFile)(command, [...args, option]).catch(
    (error: { stdout?: string; stderr?: string }) => error,
  );
  return `${done.stdout ?? ''}${done.stderr ?? ''}`;
}

/** @throws Error with the fix when there is no such program */
async function askProgram(turnserver: string): Promise<CoturnProgram> {
  const call = relayProgram(turnserver);
  const version = /\d+\.\d+(\.\d+)?/.exec(await printed(call, '--version'))?.[0];
  if (!version) throw new Error(`TURNSERVER: cannot run ${turnserver}. Fix: apt-get install coturn`);
  const help = await printed(call, '--help');
  const options = new Set(Array.from(help.matchAll(/^\s*(?:-\w?, *)*--([\w-]+)/gm), ([, name]) => name));
  return { ...call, version, knows: (name) => options.has(name) };
}

/** 4.6.3 and later drain on SIGUSR1; earlier ones would die of it. */
export function drainsOnSignal(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  return major > 4 || (major === 4 && (minor > 6 || (minor === 6 && patch >= 3)));
}

/** What the log says of an allocation after the time: 4.6, and 4.18. */
const LINES = [
  /^: session (?<id>\d+): (?<what>new|delete)\b(?:.*username=<(?<username>[^>]*)>)?/,
  /^ INFO allocation (?<what>new|delete)\b.* username=<(?<username>[^>]*)>.* \(session (?<id>\d+)\)$/,
];

/**
 * Follows what coturn's log says of allocations. Strangers write into that log, line ends too ("wrong username: …"), so a line counts only
 * when it begins with the mark of this start, which no stranger knows, and says so from its first word on.
 */
export class AllocationCount {
  readonly #open = new Map<string, string>();
  readonly #mark: string;
  /** Told of each new allocation, with the user name of its credentials. */
  onNew: (username: string) => void = () => {};
  /** @param mark stands where coturn would write the time */
  constructor(mark: string) {
    this.#mark = mark;
  }
  get size(): number {
    return this.#open.size;
  }
  /** Ids of the open ones whose user name fits. */
  find(fits: (username: string) => boolean): string[] {
    return [...this.#open].filter(([, username]) => fits(username)).map(([id]) => id);
  }
  line(text: string): void {
    if (!text.startsWith(this.#mark)) return;
    const {
      what,
      id,
      username = '',
    } = LINES.map((line) => line.exec(text.slice(this.#mark.length))).find((match) => match !== null)?.groups ?? {};
    if (!id) return;
    if (what === 'delete') return void this.#open.delete(id);
    this.#open.set(id, username);
    this.onNew(username);
  }
}

/**
 * @param complain gets coturn's own errors and warnings
 * @param tls certificate of `turns:`; without one there is no TLS
 */
export async function startCoturn(
  config: TurnNodeConfig,
  host: Pick<Host, 'publicIp' | 'privateIp'>,
  complain: (line: string) => void,
  tls?: CertificateFiles,
): Promise<Coturn> {
  const program = await askProgram(config.TURNSERVER);
  const [cliPort, cliPassword] = [await freePort(), randomBytes(24).toString('base64url')];
  const mark = randomBytes(24).toString('base64url');
  const settings = [
    ...(program.knows('cli') ? ['cli'] : []),
    ...['cli-ip=127.0.0.1', `cli-port=${cliPort}`, `cli-password=${cliPassword}`],
    ...['new-log-timestamp', `new-log-timestamp-format=${mark}`, ''],
  ];
  await writeFile(settingsFile(config), settings.join('\n'), { mode: 0o600 });
  await makeDatabase(config);
  const count = new AllocationCount(mark);
  const sayLimited = limited(complain);
  const ready = Promise.withResolvers<void>();
  const child = await startProgram({
    command: program.command,
    args: [...program.args, ...coturnArguments(config, host, tls, program)],
    onLine: (line) => {
      count.line(line);
      if (/listener opened on|Total General servers|SQLite DB connection success/i.test(line)) ready.resolve();
      if (/ERROR|Cannot|FATAL/.test(line)) sayLimited(line.replace(mark, ''));
    },
  });
  const deadline = setTimeout(() => ready.resolve(), 20_000);
  const early = await Promise.race([ready.promise.then(() => undefined), child.ended]);
  clearTimeout(deadline);
  if (early !== undefined) throw new Error(`coturn ended at once (${early}); is port ${config.TURN_PORT} taken?`);
  return {
    pid: child.pid,
    allocations: count,
    cancel: (ids) => cancelSessions(cliPort, cliPassword, ids),
    setSecrets: (secrets) => writeSecrets(config, secrets),
    reloadCertificate: () => void child.kill('SIGUSR2'),
    refuseNew: () => drainsOnSignal(program.version) && child.kill('SIGUSR1'),
    ended: child.ended,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
