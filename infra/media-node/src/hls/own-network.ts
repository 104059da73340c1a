/** Networks that this machine is in. */
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * @param address IPv4
 * @returns whether packets for it stay in a network of this machine. Those for another one leave by the gateway, whichever network that leads to
 */
export function isInOwnNetwork(address: string): boolean {
  const own = new BlockList();
  for (const one of Object.values(networkInterfaces()).flat()) {
    const length = Number(one?.cidr?.split('/')[1]);
    if (one?.family === 'IPv4' && length > 0) own.addSubnet(one.address, length, 'ipv4');
  }
  return own.check(address, 'ipv4');
}
