/** Where a webhook must never go: everything that is not the public internet. */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Blocks that are not globally reachable, or that embed IPv4 addresses. Source: the IANA IPv4 and IPv6 special-purpose address registries
 * (RFC 6890, RFC 8190), multicast (RFC 5771, RFC 4291), and the deprecated fec0::/10 (RFC 3879). The metadata services of clouds are in
 * 169.254.0.0/16, fd00::/8 and, at one of them, 100.100.100.200 in 100.64.0.0/10.
 */
const DENIED: readonly (readonly [address: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Of IPv6 only global unicast is public, and of that not these. */
const DENIED_GLOBAL: readonly (readonly [address: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const denied = new BlockList();
for (const [address, prefix] of DENIED) denied.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of DENIED_GLOBAL) denied.addSubnet(address, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** May a webhook go there? An IPv4 address within an IPv6 one is never public: it has its own form. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !denied.check(address, 'ipv4');
  return isIP(address) === 6 && globalUnicast.check(address, 'ipv6') && !denied.check(address, 'ipv6');
}

/** Thrown for a URL that a webhook may not go to; `message` names the fix. */
export class EndpointUrlError extends Error {
  override name = 'EndpointUrlError';
}

/** Longest URL of an endpoint. */
export const MAX_URL_LENGTH = 2048;

/**
 * What can be said of a URL before its name is resolved.
 * @param isPrivateAllowed for development: http, any port, any address
 * @throws EndpointUrlError
 */
export function checkEndpointUrl(text: string, isPrivateAllowed: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || text.length > MAX_URL_LENGTH)
    throw new EndpointUrlError(`expected a URL of at most ${MAX_URL_LENGTH} characters`);
  if (url.username || url.password || url.hash)
    throw new EndpointUrlError('leave out user, password and #fragment: webhooks are signed');
  if (isPrivateAllowed && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  if (url.protocol !== 'https:') throw new EndpointUrlError('expected https://');
  if (url.port !== '') throw new EndpointUrlError('only the port of https, 443');
  const literal = literalAddress(url);
  if (literal !== undefined && !isPublicAddress(literal)) throw new EndpointUrlError(`${literal} is no public address`);
  return url;
}

/**
 * Resolves the name once. The connection must use that address: a name may have another the next moment.
 * @throws EndpointUrlError when one of the addresses is not public; Error when there is none
 */
export async function resolveEndpoint(url: URL, isPrivateAllowed: boolean) {
  const literal = literalAddress(url);
  const found = literal === undefined ? await lookUp(url.hostname) : [{ address: literal, family: isIP(literal) }];
  const [first] = found;
  if (!first) throw new Error('the name has no address');
  const denied = found.find(({ address }) => !isPublicAddress(address));
  if (denied && !isPrivateAllowed) throw new EndpointUrlError(`${denied.address} is no public address`);
  return first;
}

/** By name. */
const lookupsUnderWay = new Map<string, Promise<LookupAddress[]>>();

/**
 * One lookup of a name at a time, for all tries that want it then. The process has two threads for lookups, those of Redis and keys too: a
 * name whose server does not answer holds one of them for seconds, and its endpoint has up to 32 tries.
 */
function lookUp(name: string): Promise<LookupAddress[]> {
  const underWay = lookupsUnderWay.get(name);
  if (underWay !== undefined) return underWay;
  const found = lookup(name, { all: true }).finally(() => lookupsUnderWay.delete(name));
  lookupsUnderWay.set(name, found);
  return found;
}

/** The address that a URL names itself; WHATWG URLs have every spelling of an IPv4 address in its usual form. */
function literalAddress({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) ? bare : undefined;
}
