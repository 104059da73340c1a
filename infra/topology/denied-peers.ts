/**
 * Where a relay must never send: everything that is not the public internet. A relay that reaches its own network exposes it
 * (metadata service, cache, services).
 *
 * Source: the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890, RFC 8190), blocks that are not globally reachable
 * or that embed IPv4 addresses, and the deprecated blocks that hosts still route: ::/96 (RFC 4291 section 2.5.5.1), fec0::/10
 * (RFC 3879), ::ffff:0:0:0/96 (RFC 2765). Multicast is refused by coturn's own --no-multicast-peers.
 */
export const DENIED_PEERS: readonly string[] = [
  '0.0.0.0-0.255.255.255',
  '10.0.0.0-10.255.255.255',
  '100.64.0.0-100.127.255.255',
  '127.0.0.0-127.255.255.255',
  '169.254.0.0-169.254.255.255',
  '172.16.0.0-172.31.255.255',
  '192.0.0.0-192.0.0.255',
  '192.0.2.0-192.0.2.255',
  '192.88.99.0-192.88.99.255',
  '192.168.0.0-192.168.255.255',
  '198.18.0.0-198.19.255.255',
  '198.51.100.0-198.51.100.255',
  '203.0.113.0-203.0.113.255',
  '240.0.0.0-255.255.255.255',
  // ::/96, ::ffff:0:0/96 (IPv4-mapped), ::ffff:0:0:0/96 (IPv4-translated). coturn refuses `::` by itself; a range that begins
  // with it would hold every IPv4 address, as coturn takes an unspecified minimum for none.
  '::1-::ffff:ffff',
  '::ffff:0.0.0.0-::ffff:255.255.255.255',
  '::ffff:0:0:0-::ffff:0:ffff:ffff',
  '64:ff9b::-64:ff9b::ffff:ffff',
  '64:ff9b:1::-64:ff9b:1:ffff:ffff:ffff:ffff:ffff',
  '100::-100::ffff:ffff:ffff:ffff',
  '100:0:0:1::-100:0:0:1:ffff:ffff:ffff:ffff',
  '2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
  '2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
  '2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '3fff::-3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff',
  '5f00::-5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];
