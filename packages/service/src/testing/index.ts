export * from '../ports.ts';
export * from './collector.ts';
export * from './lossy-failover.ts';
export * from './redis-server.ts';
export * from './redis-topologies.ts';
export * from './s3.ts';
export * from './turn-client.ts';
