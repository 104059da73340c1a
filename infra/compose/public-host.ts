/** What `npm run compose:public` decides before anything starts: addresses, settings, ports. No side effects here. */
import { isIPv4 } from 'node:net';
import { topology } from '../topology/index.ts';

export class PublicHostError extends Error {
  override name = 'PublicHostError';
}

/** Addresses of the host as the TURN node needs them. */
export interface HostAddresses {
  /** What callers reach. */
  readonly publicAddress: string;
  /** What the host itself has, behind a NAT that forwards to it. Absent: the public one. */
  readonly privateAddress?: string;
}

/** RFC 1918, RFC 6598 (shared by providers), link-local, loopback: not reached from outside. */
export function isPrivateIPv4(address: string): boolean {
  const [a = 0, b = 0] = address.split('.').map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}

export interface AddressQuestion {
  readonly domain: string;
  /** What the name resolves to, IPv4. */
  readonly resolved: readonly string[];
  /** IPv4 addresses of this machine, that of the default route first, loopback last. */
  readonly own: readonly string[];
  /** `--address`: given by hand. */
  readonly address?: string;
  /** `--private-address`: given by hand. */
  readonly privateAddress?: string;
}

/**
 * The host's addresses: one of its own that the name leads to; else it stands behind a NAT.
 * @throws PublicHostError naming what is missing and the fix
 */
export function hostAddresses(question: AddressQuestion): HostAddresses {
  const { domain, resolved, own, address, privateAddress } = question;
  for (const [name, given] of Object.entries({ address, 'private-address': privateAddress }))
    if (given !== undefined && !isIPv4(given))
      throw new PublicHostError(`--${name} ${given}: expected an IPv4 address`);
  const publicAddress = address ?? resolved.find((one) => own.includes(one)) ?? resolved[0];
  if (!publicAddress)
    throw new PublicHostError(
      `${domain} resolves to no IPv4 address. Fix: make an A record that names this host, then try again (or give --address)`,
    );
  if (address === undefined && isPrivateIPv4(publicAddress))
    throw new PublicHostError(
      `${domain} resolves to ${publicAddress}, which is not reachable from outside. Fix: let its A record name the public address (or give --address, for a local network)`,
    );
  if (own.includes(publicAddress)) return { publicAddress };
  const behind = privateAddress ?? own[0];
  if (!behind) throw new PublicHostError('this host has no IPv4 address. Fix: give --private-address');
  return { publicAddress, privateAddress: behind };
}

export interface PublicSettings extends HostAddresses {
  readonly domain: string;
}

/** Variables of .env that follow from the host, in place of what was there. */
export function publicVariables(settings: PublicSettings): Record<string, string> {
  return {
    // Plain `docker compose up -d` then takes the profile too.
    COMPOSE_PROFILES: 'public',
    TANDEM_DOMAIN: settings.domain,
    TANDEM_ORIGIN: `https://${settings.domain}`,
    TANDEM_ADDRESS: settings.publicAddress,
    TANDEM_PRIVATE_ADDRESS: settings.privateAddress ?? '',
    // Caddy and the edge.
    TANDEM_TRUSTED_PROXIES: '2',
  };
}

/** @param secret makes a new one: 43 characters, as the settings MEDIA_SECRET and WEBHOOK_KEY ask for */
export function composeSecrets(secret: () => string): Record<string, string> {
  return {
    TANDEM_CACHE_PASSWORD: secret(),
    TANDEM_TURN_SECRET: secret(),
    TANDEM_MEDIA_SECRET: secret(),
    TANDEM_WEBHOOK_KEY: secret(),
  };
}

/** Variables that are written once and then belong to the operator. */
export function firstVariables(secret: () => string): Record<string, string> {
  return {
    ...composeSecrets(secret),
    TANDEM_PROFILE: 'production',
    TANDEM_ACCESS: 'open',
    TANDEM_OPEN_ACCESS: 'true',
  };
}

/**
 * The text of .env with `always` set and `once` added where missing; every other line stays.
 * @param text what the file held; '' for none
 */
export function mergeVariables(
  text: string,
  always: Readonly<Record<string, string>>,
  once: Readonly<Record<string, string>>,
): string {
  const lines = text.split('\n').filter((line, i, all) => line !== '' || i < all.length - 1);
  const nameOf = (line: string) => /^\s*([A-Z_][A-Z0-9_]*)=/.exec(line)?.[1];
  const present = new Set(lines.map(nameOf));
  const kept = lines.map((line) => {
    const name = nameOf(line);
    return name && name in always ? `${name}=${always[name]}` : line;
  });
  const added = Object.entries({ ...once, ...always }).filter(([name]) => !present.has(name));
  return `${[...kept, ...added.map(([name, value]) => `${name}=${value}`)].join('\n')}\n`;
}

/** Ports that a firewall before the host must let in. */
export function firewallPorts(): readonly (readonly [ports: string, what: string])[] {
  const { turn, media } = topology;
  const [low, high] = turn.relayPorts;
  return [
    ['80/tcp', 'the certificate authority, and a redirect to https'],
    ['443/tcp', 'the page, auth and signaling'],
    [`${turn.port}/udp`, 'TURN and STUN'],
    [`${turn.port}/tcp`, 'TURN over TCP'],
    [`${turn.tlsPort}/tcp`, 'turns:, for networks that let only TLS out'],
    [`${low}-${high}/udp`, 'relayed media'],
    [`${media.mediaPorts.join('-')}/udp`, 'media of large rooms'],
  ];
}
