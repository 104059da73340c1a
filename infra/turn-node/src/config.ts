/** Every setting of a TURN node's agent. Keys are environment variable names. */
import { BlockList, isIP } from 'node:net';
import { checkedText, listText } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { directorySettings, hostSettings, metricsSettings } from '../../node-kit/settings.ts';
import { RUN_DIR } from './health.ts';

const port = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: 65535, description });

/**
 * An address, or the first and last of a range. coturn takes a range whose first is the higher one and refuses nothing then, and one that begins
 * with `::` for one that holds every IPv4 address.
 */
function isRange(text: string): boolean {
  const [first = '', last = first, ...more] = text.split('-');
  const family = isIP(first);
  if (more.length > 0 || family === 0 || isIP(last) !== family) return false;
  const range = new BlockList();
  try {
    range.addRange(first, last, family === 4 ? 'ipv4' : 'ipv6');
  } catch {
    return false;
  }
  return family === 4 || !range.check('::', 'ipv6');
}

export const TurnNodeConfig = Type.Object({
  // coturn takes one with a space, and refuses every request then.
  TURN_REALM: checkedText((text) => /^[\w.:/-]{1,127}$/.test(text), {
    default: 'tandem',
    expected: 'letters, digits and `. : / - _`, at most 127',
    description: 'Realm.',
  }),
  TURN_SECRET_ID: Type.Optional(
    Type.String({ description: 'ARN of the secret, JSON with `sign` and `accept`; read anew each minute.' }),
  ),
  TURN_SECRETS: Type.String({
    default: '',
    secret: true,
    description: 'Comma-separated, where there is no TURN_SECRET_ID.',
  }),
  TURN_PORT: port(3478, 'UDP and TCP.'),
  TURN_HOST: Type.Optional(Type.String({ description: 'Name under which turns: reaches the fleet.' })),
  TURN_TLS_PORT: port(443, 'Port of that name.'),
  TLS_FOLDER: Type.Optional(
    Type.String({
      description:
        'Folder with the certificate of TURN_HOST, kept by another program such as Caddy; the node then ends TLS on TURN_TLS_PORT and follows renewals. Unset: a load balancer ends it.',
    }),
  ),
  READY_PORT: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65535,
      description:
        'TCP port that takes connections while the node takes calls, for the health check of a load balancer; a draining node closes it. Unset: none.',
    }),
  ),
  RELAY_MIN_PORT: port(49152, 'First relay port.'),
  RELAY_MAX_PORT: port(65535, 'Last relay port.'),
  NODE_MBPS: Type.Number({
    default: 1500,
    minimum: 1,
    maximum: 200_000,
    description: 'Mbit/s out at which the node is full.',
  }),
  MAX_BYTES_PER_SECOND: Type.Integer({
    default: 375_000,
    minimum: 0,
    maximum: 1_000_000_000,
    description: 'Most bytes a second of one allocation.',
  }),
  // Held against a real browser by test/relay-quota.test.ts.
  USER_QUOTA: Type.Integer({
    default: 36,
    minimum: 1,
    maximum: 65_535,
    description:
      'Allocations of one user. Default: six connections (a mesh of six, one of them being made anew), three URLs, two address families.',
  }),
  TOTAL_QUOTA: Type.Integer({ default: 4000, minimum: 1, maximum: 65_535, description: 'Allocations of the node.' }),
  DENIED_PEERS: listText(isRange, {
    default: '',
    expected: 'addresses and ranges, the lower one first (::1, not ::), such as 10.0.0.0-10.255.255.255',
    description: 'Comma-separated addresses and ranges that the relay must not reach.',
  }),
  ALLOW_LOOPBACK_PEERS: Type.Boolean({ default: false, description: 'For tests on one machine only.' }),
  REDIS_URL: Type.Optional(
    Type.String({
      description:
        'Directory and revocations. Unset: the node writes itself nowhere and ends no allocation of a revoked user.',
    }),
  ),
  ...directorySettings,
  DRAIN_SECONDS: Type.Integer({
    default: 7200,
    minimum: 0,
    maximum: 172_800,
    description: 'Longest wait for calls to end.',
  }),
  STOP_DRAIN_SECONDS: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 172_800,
      description: 'Longest wait after SIGTERM, as an update of the service sends it. Default: DRAIN_SECONDS.',
    }),
  ),
  ...hostSettings,
  ...metricsSettings('turn'),
  RUN_DIR: Type.String({
    default: RUN_DIR,
    description: 'Writable folder: database of coturn, its address, password of its telnet interface.',
  }),
  TURNSERVER: Type.String({
    default: 'turnserver',
    description: 'Program, or the folder that `npm run relay` prints.',
  }),
});
export type TurnNodeConfig = Static<typeof TurnNodeConfig>;
