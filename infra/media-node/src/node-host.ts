/** Where a media node runs, with addresses on which ICE works. */
import { findHost, type Host } from '../../node-kit/host.ts';
import type { MediaNodeConfig } from './config.ts';
import { isLoopback, ownAddress } from './own-address.ts';

/**
 * The host; a loopback PUBLIC_IP (one machine, no other callers) becomes the machine's own address.
 * @throws Error naming the setting
 */
export async function findMediaHost(config: MediaNodeConfig): Promise<Host> {
  const host = await findHost(config);
  if (!isLoopback(host.publicIp)) return host;
  const address = await ownAddress();
  if (!address)
    throw new Error('PUBLIC_IP: a loopback address, and this machine has no other one; ICE gathers nothing on it');
  return { ...host, publicIp: address, privateIp: address };
}
