/**
 * The rules of a media node's firewall that keep the engine's checks away from what is not on the public internet. ICE sends connectivity checks to
 * each candidate that a client names, so everybody in a room could make the engine send UDP to the host itself, to the resolver and the clock of the
 * cloud, and into the private network.
 */
import { CONTAINER_USER } from './relay-firewall.ts';

export interface MediaFirewall {
  /** First and last UDP port of the engines. */
  readonly ports: readonly [number, number];
  /** Numeric id of the user that the engine runs as, on the host. Default: that of the images. */
  readonly user?: number;
}

/** Networks that no client is reached in: private (RFC 1918, RFC 6598, RFC 4193), link-local (the cloud's own services), multicast. */
const PRIVATE = {
  iptables: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '224.0.0.0/3'],
  ip6tables: ['fc00::/7', 'fe80::/10', 'ff00::/8'],
} as const;
/** The engine passes streams on to itself from loopback; what ICE sends comes from the host's own address. */
const LOOPBACK = { iptables: '127.0.0.0/8', ip6tables: '::1/128' } as const;

/** Shell commands for IPv4 and IPv6, as root, which add the rules where they are missing. */
export function mediaFirewallCommands({ ports, user = CONTAINER_USER }: MediaFirewall): string[] {
  return (['iptables', 'ip6tables'] as const).flatMap((program) => {
    const sent = `OUTPUT -p udp -m owner --uid-owner ${user} -m udp --sport ${ports.join(':')} ! -s ${LOOPBACK[program]}`;
    const rules = [
      `${sent} -m addrtype --dst-type LOCAL -j DROP`,
      ...PRIVATE[program].map((range) => `${sent} -d ${range} -j DROP`),
    ];
    return rules.map((rule) => `${program} -w -C ${rule} 2>/dev/null || ${program} -w -I ${rule}`);
  });
}
