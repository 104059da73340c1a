/**
 * Run by relay-firewall.test.ts in a network of its own: a relay, something that listens beside its ports, and the packets that
 * arrive where. `node relay-firewall.world.ts open|closed` prints them as JSON.
 */
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@tandem/service';
import { allocate } from '@tandem/service/testing';
import { relayFirewallCommands } from '../topology/relay-firewall.ts';
import { TurnNodeConfig } from './src/config.ts';
import { startCoturn } from './src/coturn.ts';

const PORTS = [49_152, 49_200] as const;
const [BESIDE, INSIDE] = [40_000, 49_190];

/** Ports at `address` that a packet of the relay reached. */
async function reached(address: string): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-firewall-'));
  const config = loadConfig(TurnNodeConfig, {
    TURN_PORT: '3478',
    RELAY_MIN_PORT: String(PORTS[0]),
    RELAY_MAX_PORT: String(PORTS[1] - 20),
    RUN_DIR: folder,
    ALLOW_LOOPBACK_PEERS: 'true',
  });
  await using coturn = await startCoturn(config, { publicIp: address, privateIp: address }, () => {});
  coturn.setSecrets(['secret']);
  const username = `ada:${Math.floor(Date.now() / 1000) + 600}:s`;
  const credential = createHmac('sha1', 'secret').update(username).digest('base64');
  const family = address.includes(':') ? 6 : 4;
  using allocation = await allocate(3478, { username, credential }, { family });
  const found = new Set<number>();
  const sockets = [BESIDE, INSIDE].map((port) => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4').on('message', () => found.add(port));
    socket.bind(port, address);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'listening')));
  await allocation.permit(address);
  // What is let through shows that what is sent arrives: of the two packets of a round, the other one was sent first.
  while (!found.has(INSIDE)) {
    for (const port of [BESIDE, INSIDE]) allocation.sendTo(address, port, Buffer.from('x'));
    await sleep(100);
  }
  for (const socket of sockets) socket.close();
  await rm(folder, { recursive: true, force: true });
  return [...found].sort();
}

execFileSync('sh', ['-c', 'ip link set lo up && sysctl -q -w net.ipv4.ip_local_port_range="10240 32000"']);
if (process.argv[2] === 'closed')
  for (const command of relayFirewallCommands({ ports: PORTS, user: process.getuid?.() ?? 0 }))
    execFileSync('sh', ['-c', command]);
console.log(JSON.stringify({ 4: await reached('127.0.0.1'), 6: await reached('::1') }));
