/**
 * Run by media-firewall.test.ts in a network of its own: what a packet from a media port comes to. `node media-firewall.world.ts open|closed`
 * prints it as JSON.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mediaFirewallCommands } from '../topology/media-firewall.ts';

const PORTS = [20_000, 20_100] as const;
/** The host's own address, and one of the same public network: of documentation (RFC 5737, RFC 3849), unknown to the rules. */
const OWN = { 4: '198.51.100.1', 6: '2001:db8::1' } as const;
const TO = {
  4: [
    OWN[4],
    '127.0.0.1',
    '198.51.100.9',
    '10.1.2.3',
    '172.31.0.2',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.253',
    '224.0.0.251',
  ],
  6: [OWN[6], '::1', '2001:db8::9', 'fd00:ec2::253', 'ff02::fb'],
} as const;

const run = (command: string) => execFileSync('sh', ['-c', command]);

/** Destinations that the kernel takes a packet to. @param port 0: one that is no media port */
async function taken(family: 4 | 6, from: string, port: number, to: readonly string[]): Promise<string[]> {
  const socket = createSocket(`udp${family}`);
  socket.bind(port, from);
  await once(socket, 'listening');
  const found: string[] = [];
  for (const address of to) {
    const error = await new Promise<Error | null>((done) => socket.send('x', 9, address, done));
    if (!error) found.push(address);
    else if (!('code' in error) || error.code !== 'EPERM') throw error;
  }
  socket.close();
  return found;
}

run('ip link set lo up && sysctl -q -w net.ipv4.ip_local_port_range="10240 19999"');
run(
  'ip link add d0 type veth peer name d1 && ip link set d0 up && ip link set d1 up && ip addr add 198.51.100.1/24 dev d0 && ip route add default dev d0',
);
run('ip -6 addr add 2001:db8::1/64 dev d0 nodad && ip -6 route add default dev d0');
if (process.argv[2] === 'closed')
  for (const command of mediaFirewallCommands({ ports: PORTS, user: process.getuid?.() ?? 0 })) run(command);

const result = {
  media: [...(await taken(4, OWN[4], PORTS[0], TO[4])), ...(await taken(6, OWN[6], PORTS[1], TO[6]))],
  // Streams are passed on over loopback, from any port.
  loopback: [...(await taken(4, '127.0.0.1', PORTS[0], ['127.0.0.1'])), ...(await taken(6, '::1', PORTS[0], ['::1']))],
  // The agent asks the resolver.
  other: await taken(4, OWN[4], 0, ['169.254.169.253', OWN[4]]),
};
console.log(JSON.stringify(result));
