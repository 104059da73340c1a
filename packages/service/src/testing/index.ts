export * from './collector.ts';
export * from './free-port.ts';
export * from './lossy-failover.ts';
export * from './redis-server.ts';
export * from './redis-topologies.ts';
export * from './s3.ts';
export * from './turn-client.ts';
