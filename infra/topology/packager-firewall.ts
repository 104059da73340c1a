/** User of the packager on the host: its group is that of the media node, with which it shares a folder. */
export const PACKAGER_USER = 10_002;

/**
 * Shell commands for IPv4 and IPv6, as root, which add the rules where they are missing: the packager decodes what strangers send, so an intruder
 * sends nothing, neither to the cloud's metadata and credentials nor anywhere else. It receives media on loopback, and writes files.
 * @param user numeric id on the host. Default: that of the image
 */
export function packagerFirewallCommands(user: number = PACKAGER_USER): string[] {
  return ['iptables', 'ip6tables'].map((program) => {
    const rule = `OUTPUT -m owner --uid-owner ${user} -j DROP`;
    return `${program} -w -C ${rule} 2>/dev/null || ${program} -w -I ${rule}`;
  });
}
