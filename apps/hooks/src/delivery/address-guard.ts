/** Where a webhook must never go: everything that is not the public internet. */
import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

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

/** Four tries of a server that does not answer, for five to eight seconds of the fifteen that a try of a webhook has. */
export const DNS_LIMITS = { timeout: 1000, tries: 4, maxTimeout: 2000 };

/**
 * Resolves the name once. The connection must use that address: a name may have another the next moment.
 * @param dns a new one each time: it reads the servers of the machine once, when it is made
 * @throws EndpointUrlError when one of the addresses is not public; Error when there is none
 */
export async function resolveEndpoint(url: URL, isPrivateAllowed: boolean, dns = new Resolver(DNS_LIMITS)) {
  const literal = literalAddress(url);
  const found =
    literal === undefined
      ? await lookUp(url.hostname, isPrivateAllowed ? undefined : dns)
      : [{ address: literal, family: isIP(literal) }];
  const [first] = found;
  if (!first) throw new Error('the name has no address');
  const denied = found.find(({ address }) => !isPublicAddress(address));
  if (denied && !isPrivateAllowed) throw new EndpointUrlError(`${denied.address} is no public address`);
  return first;
}

/** By name. */
const lookupsUnderWay = new Map<string, Promise<LookupAddress[]>>();

/**
 * One lookup of a name at a time, for all tries that want it then: an endpoint has up to 32.
 * @param dns undefined for development: also names of this machine and its containers
 */
function lookUp(name: string, dns: Resolver | undefined): Promise<LookupAddress[]> {
  const underWay = lookupsUnderWay.get(name);
  if (underWay !== undefined) return underWay;
  const asked = dns ? askDns(name, dns) : lookup(name, { all: true });
  const found = asked.finally(() => lookupsUnderWay.delete(name));
  lookupsUnderWay.set(name, found);
  return found;
}

/**
 * The lookup of the system holds one of two threads of the process while a server does not answer: with two such names no other endpoint
 * gets a webhook, and Redis and the keys are not found either. This holds none.
 */
async function askDns(name: string, dns: Resolver): Promise<LookupAddress[]> {
  const [four, six] = await Promise.allSettled([dns.resolve4(name), dns.resolve6(name)]);
  const of = (answer: typeof four, family: number) =>
    answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : [];
  const found = hasIPv4() ? [...of(four, 4), ...of(six, 6)] : [...of(six, 6), ...of(four, 4)];
  if (found.length === 0 && four.status === 'rejected') throw four.reason;
  return found;
}

/** Can this machine reach IPv4 addresses of others? The first address that is found is the one that is tried. */
const hasIPv4 = () =>
  Object.values(networkInterfaces()).some((all) => all?.some(({ family, internal }) => family === 'IPv4' && !internal));

/** The address that a URL names itself; WHATWG URLs have every spelling of an IPv4 address in its usual form. */
function literalAddress({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) ? bare : undefined;
}
