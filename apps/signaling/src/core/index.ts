/** The core without sockets, for simulations and embedders. See README.md. */
export { type HubHooks, MemoryBackplane, MemoryHub } from '../backplane/memory.ts';
export * from '../backplane/types.ts';
export { type Clock, systemClock } from './clock.ts';
export type { Connection } from './connection/connection.ts';
export type { Counters, NodeEvents } from './events.ts';
export { type Identity, identityOf } from './identity.ts';
export { type NodeOptions, SignalingNode } from './node.ts';
export { type CoreSettings, DEFAULT_SETTINGS } from './settings.ts';
export type { Transport } from './transport.ts';
