/**
 * What coturn takes without a word and then relays nothing with: it starts, stays, and some of it even answers STUN. So it is looked at before
 * coturn starts, and the refusal names the setting.
 */
import { access, constants } from 'node:fs/promises';
import { ConfigError } from '@tandem/service';
import { bindFault } from '@tandem/service/ports';
import type { Host } from '../../node-kit/host.ts';
import type { TurnNodeConfig } from './config.ts';

const refuse = (problem: string, fix: string) => new ConfigError(`configuration: ${problem}. Fix: ${fix}`);

/** Ports, one an allocation. */
const relayPorts = ({ RELAY_MIN_PORT, RELAY_MAX_PORT }: TurnNodeConfig) => RELAY_MAX_PORT - RELAY_MIN_PORT + 1;

/** Allocations at which the node is full. */
export const capacityOf = (config: TurnNodeConfig): number => Math.min(config.TOTAL_QUOTA, relayPorts(config));

/**
 * @param withTls coturn opens TURN_TLS_PORT
 * @throws ConfigError naming the setting and the fix
 */
export async function checkSettings(
  config: TurnNodeConfig,
  { privateIp }: Pick<Host, 'privateIp'>,
  withTls: boolean,
): Promise<void> {
  const { RELAY_MIN_PORT: first, RELAY_MAX_PORT: last, RUN_DIR } = config;
  if (relayPorts(config) < 1)
    throw refuse(`RELAY_MAX_PORT: ${last} is below RELAY_MIN_PORT, ${first}`, 'the higher one');
  await access(RUN_DIR, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw refuse(
      `RUN_DIR: ${RUN_DIR} cannot be written (${error.code})`,
      'a folder that is there, of the user that runs this',
    );
  });
  const listeners = { TURN_PORT: config.TURN_PORT, ...(withTls ? { TURN_TLS_PORT: config.TURN_TLS_PORT } : {}) };
  for (const [name, port] of Object.entries(listeners)) {
    const fault = await bindFault(port, privateIp);
    if (fault === 'EADDRNOTAVAIL')
      throw refuse(
        `PRIVATE_IP: ${privateIp} is no address of this host`,
        'its own address; behind a NAT that is not PUBLIC_IP',
      );
    // Another coturn would answer STUN in our place, and refuse what auth signs.
    if (fault === 'EADDRINUSE')
      throw refuse(`${name}: ${port} of ${privateIp} is taken`, 'stop what listens there, or another port');
  }
}
