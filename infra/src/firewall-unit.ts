/**
 * Shell commands that install the host's firewall rules on an instance. A unit, as a reboot forgets them; the ECS agent's package needs iptables.
 * @param name of the unit and of its script
 * @param rules shell commands, run as root before any task
 */
export function firewallUnit(name: string, rules: readonly string[]): string[] {
  return [
    `cat > /usr/local/sbin/${name} <<'END'`,
    '#!/bin/sh -e',
    ...rules,
    'END',
    `chmod 755 /usr/local/sbin/${name}`,
    `cat > /etc/systemd/system/${name}.service <<'END'`,
    '[Unit]',
    'Before=ecs.service',
    '[Service]',
    'Type=oneshot',
    `ExecStart=/usr/local/sbin/${name}`,
    '[Install]',
    'WantedBy=multi-user.target',
    'END',
    `systemctl enable --now ${name}.service`,
  ];
}
