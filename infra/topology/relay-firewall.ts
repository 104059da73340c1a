/**
 * The rule of the host's firewall that keeps relayed packets away from the host itself. coturn must be allowed to send to its own
 * address, or two people who are both relayed by one node would not meet, and it knows no ports of peers. So everybody with TURN
 * credentials could send UDP to anything else that listens on the host. The kernel drops that: what the relay's user sends from
 * a relay port to an address of the host goes to a relay port.
 */

/** The user that the images run as (Dockerfile). */
export const CONTAINER_USER = 10_001;

export interface RelayFirewall {
  /** First and last port of the relay. */
  readonly ports: readonly [number, number];
  /** Numeric id of the user that coturn runs as, on the host. Default: that of the images. */
  readonly user?: number;
}

/** Of the bits that packets may carry, one that neither Docker nor Kubernetes uses. */
const MARK = '0x2000000/0x2000000';

/**
 * Shell commands for IPv4 and IPv6, as root, which add the rules where they are missing. What leaves is marked and dropped where
 * it arrives: a drop where it leaves is an error to the sender, for which coturn ends the allocation.
 */
export function relayFirewallCommands({ ports, user = CONTAINER_USER }: RelayFirewall): string[] {
  const range = ports.join(':');
  const leaving = `OUTPUT -p udp -m owner --uid-owner ${user} -m udp --sport ${range} ! --dport ${range}`;
  const rules = [
    ['mangle', `${leaving} -m addrtype --dst-type LOCAL -j MARK --set-xmark ${MARK}`],
    ['filter', `INPUT -m mark --mark ${MARK} -j DROP`],
  ];
  return ['iptables', 'ip6tables'].flatMap((program) =>
    rules.map(([table, rule]) => {
      const run = `${program} -w -t ${table}`;
      return `${run} -C ${rule} 2>/dev/null || ${run} -I ${rule}`;
    }),
  );
}
