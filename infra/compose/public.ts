/** `npm run compose:public -- calls.example.org`: this host serves calls under that name. Writes .env, then starts compose. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { topology } from '../topology/index.ts';
import { relayFirewallCommands } from '../topology/relay-firewall.ts';
import {
  firewallPorts,
  firstVariables,
  hostAddresses,
  mergeVariables,
  PublicHostError,
  publicVariables,
} from './public-host.ts';

const root = resolve(import.meta.dirname, '../..');
const HELP = `npm run compose:public -- calls.example.org [options]

Serves calls on this host under that name: https with a certificate that renews itself, turns: with the same one. Writes .env
(secrets and your own lines stay), then runs docker compose up -d --build.

  --address A          public IPv4 address, where the name's A record is not the truth (yet)
  --private-address B  address of this host behind a NAT; default: that of the default route
  --env FILE           file to write (default .env)
  --prepare            write the file, start nothing
`;

interface Command {
  readonly domain: string;
  readonly address?: string;
  readonly privateAddress?: string;
  readonly envFile: string;
  readonly prepare: boolean;
}

function parseCommand(args: readonly string[]): Command | 'help' {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw new PublicHostError(`${error instanceof Error ? error.message.split('. ')[0] : error}. Known: --help`);
  }
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  const [domain = ''] = positionals;
  if (!/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(domain))
    throw new PublicHostError(`"${domain}" is no DNS name. Fix: npm run compose:public -- calls.example.org`);
  return {
    domain,
    envFile: resolve(values.env ?? join(root, '.env')),
    prepare: values.prepare ?? false,
    ...(values.address === undefined ? {} : { address: values.address }),
    ...(values['private-address'] === undefined ? {} : { privateAddress: values['private-address'] }),
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      address: { type: 'string' },
      'private-address': { type: 'string' },
      env: { type: 'string' },
      prepare: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

/** Own IPv4 addresses, that of the default route first, loopback last. */
async function ownAddresses(): Promise<string[]> {
  const all = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((one) => one.family === 'IPv4')
    .sort((a, b) => Number(a.internal) - Number(b.internal))
    .map((one) => one.address);
  const first = await defaultRouteAddress();
  return first === undefined ? all : [first, ...all.filter((one) => one !== first)];
}

/** The source address that the kernel would use towards the internet; connecting a UDP socket sends nothing. */
async function defaultRouteAddress(): Promise<string | undefined> {
  const socket = createSocket('udp4');
  try {
    // TEST-NET-1 (RFC 5737): an address without an owner.
    socket.connect(9, '192.0.2.1');
    await once(socket, 'connect');
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

const resolved = (domain: string) =>
  lookup(domain, { family: 4, all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );

function startCompose(envFile: string): number {
  const works = (args: readonly string[]) => spawnSync(args[0] ?? '', args.slice(1), { stdio: 'ignore' }).status === 0;
  const compose = works(['docker', 'compose', 'version']) ? ['docker', 'compose'] : ['docker-compose'];
  if (!works([...compose, 'version']))
    throw new PublicHostError('docker compose is missing. Fix: install Docker with its compose plugin, then try again');
  const [program = '', ...first] = compose;
  // docker-compose 1 builds with the `docker` beside it, which has BuildKit in it before version 23, and in a plugin since.
  const version = /version (\d+)/.exec(spawnSync('docker', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
  if (program === 'docker-compose' && Number(version) >= 23 && !works(['docker', 'buildx', 'version']))
    throw new PublicHostError(
      `docker ${version} lacks BuildKit (docker buildx version). Fix: install its plugins buildx and compose, then try again`,
    );
  const env = {
    ...process.env,
    // The Dockerfile is written for BuildKit: Docker before 23 and docker-compose 1 use it only where these say so.
    DOCKER_BUILDKIT: '1',
    COMPOSE_DOCKER_CLI_BUILD: '1',
  };
  const args = [...first, '--env-file', envFile, 'up', '-d', '--build'];
  return spawnSync(program, args, { cwd: root, stdio: 'inherit', env }).status ?? 1;
}

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  if (command === 'help') {
    console.log(HELP);
    return 0;
  }
  const { domain, envFile } = command;
  const addresses = hostAddresses({ ...command, resolved: await resolved(domain), own: await ownAddresses() });
  const before = existsSync(envFile) ? readFileSync(envFile, 'utf8') : '';
  const secret = () => randomBytes(32).toString('base64url');
  const text = mergeVariables(before, publicVariables({ domain, ...addresses }), firstVariables(secret));
  writeFileSync(envFile, text, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(envFile, 0o600);
  const { publicAddress, privateAddress } = addresses;
  console.log(
    `${envFile} written: ${domain} at ${publicAddress}${privateAddress ? `, behind a NAT at ${privateAddress}` : ''}.`,
  );
  console.log(`\nA firewall${privateAddress ? ' and the NAT' : ''} must let in:`);
  for (const [ports, what] of firewallPorts()) console.log(`  ${ports.padEnd(16)} ${what}`);
  console.log('\nKeep relayed packets away from this host itself (as root, after each boot):');
  for (const line of relayFirewallCommands({ ports: topology.turn.relayPorts })) console.log(`  ${line}`);
  if (/^TANDEM_ACCESS=open$/m.test(text))
    console.log(
      '\nAnybody who has the address may call. Accounts or API keys instead: TANDEM_ACCESS in .env, docs/auth.md.',
    );
  if (command.prepare) return 0;
  console.log('\nStarting…');
  const code = startCompose(envFile);
  if (code === 0) console.log(`\nCheck it, best from elsewhere: npm run canary -- https://${domain}`);
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof PublicHostError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
