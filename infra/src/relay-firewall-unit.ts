import { topology } from '../topology/index.ts';
import { relayFirewallCommands } from '../topology/relay-firewall.ts';

/** Shell commands that install the relay's firewall rules on an instance. A unit, as a reboot forgets them; the ECS agent's package needs iptables. */
export function relayFirewallUnit(): string[] {
  return [
    `cat > /usr/local/sbin/relay-firewall <<'END'`,
    '#!/bin/sh -e',
    ...relayFirewallCommands({ ports: topology.turn.relayPorts }),
    'END',
    'chmod 755 /usr/local/sbin/relay-firewall',
    `cat > /etc/systemd/system/relay-firewall.service <<'END'`,
    '[Unit]',
    'Before=ecs.service',
    '[Service]',
    'Type=oneshot',
    'ExecStart=/usr/local/sbin/relay-firewall',
    '[Install]',
    'WantedBy=multi-user.target',
    'END',
    'systemctl enable --now relay-firewall.service',
  ];
}
