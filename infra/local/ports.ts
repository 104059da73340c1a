/** The ports of `npm start`. */
import { freePort, listenFault } from '@tandem/service/ports';
import { topology } from '../topology/index.ts';
import { LOOPBACK } from './programs.ts';
import { StartError } from './start-error.ts';

export interface Ports {
  readonly edge: number;
  readonly auth: number;
  readonly media: number;
  readonly hooks: number;
  readonly captions: number;
  /** One a node. */
  readonly signaling: readonly number[];
}

export interface PortsWanted {
  /** Port of the edge. 0: all ports free ones. Default: as the topology says. */
  readonly edge?: number;
  /** Where the edge listens. The others listen on loopback. */
  readonly edgeHost: string;
  /** Signaling nodes. */
  readonly nodes: number;
  /** Parts whose port must be free only when they run. */
  readonly media: boolean;
  readonly hooks: boolean;
  readonly captions: boolean;
}

/**
 * Ports of the topology, moved by as much as the edge's is; signaling nodes take the next ones after theirs.
 * @throws StartError naming the port that is in use
 */
export async function choosePorts(wanted: PortsWanted): Promise<Ports> {
  const ports = wanted.edge === 0 ? await freePorts(wanted.nodes) : describedPorts(wanted);
  if (wanted.edge !== 0) await refuseTaken(ports, wanted);
  return ports;
}

async function freePorts(nodes: number): Promise<Ports> {
  const ports = await Promise.all(Array.from({ length: nodes + 5 }, () => freePort()));
  const [edge = 0, auth = 0, media = 0, hooks = 0, captions = 0, ...signaling] = ports;
  return { edge, auth, media, hooks, captions, signaling };
}

function describedPorts({ edge = topology.edge.port, nodes }: PortsWanted): Ports {
  const shift = edge - topology.edge.port;
  const others: number[] = [topology.auth, topology.hooks, topology.media, topology.captions].map(({ port }) => port);
  const signaling: number[] = [];
  for (let port = topology.signaling.port; signaling.length < nodes; port += 1)
    if (!others.includes(port)) signaling.push(port + shift);
  const [auth = 0, hooks = 0, media = 0, captions = 0] = others.map((port) => port + shift);
  return { edge, auth, media, hooks, captions, signaling };
}

/**
 * Also by a program at one of the addresses of `localhost` alone: browsers go to `::1` first, and would show that program.
 * @param host the page's, or loopback
 */
async function isTaken(port: number, host: string): Promise<boolean> {
  if ((await listenFault(port, host)) !== undefined) return true;
  if (host === LOOPBACK) return false;
  const faults = await Promise.all([LOOPBACK, '::1'].map((address) => listenFault(port, address)));
  return faults.includes('EADDRINUSE');
}

async function refuseTaken(ports: Ports, { edgeHost, media, hooks, captions }: PortsWanted): Promise<void> {
  const listeners: { readonly name: string; readonly port: number; readonly host?: string }[] = [
    { name: 'page', port: ports.edge, host: edgeHost },
    { name: 'auth', port: ports.auth },
    ...(media ? [{ name: 'streams', port: ports.media }] : []),
    ...(hooks ? [{ name: 'events', port: ports.hooks }] : []),
    ...(captions ? [{ name: 'captions', port: ports.captions }] : []),
    ...ports.signaling.map((port) => ({ name: 'signaling', port })),
  ];
  for (const { name, port, host = LOOPBACK } of listeners) {
    if (port < 1024 || !(await isTaken(port, host))) continue;
    throw new StartError(
      `port ${port} (${name}) is in use. Stop what listens there, or move all ports: npm start -- --port ${ports.edge + 100}`,
    );
  }
}
