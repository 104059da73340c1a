export * from './config.ts';
export * from './health.ts';
export * from './lifecycle.ts';
export * from './load-shedder.ts';
export * from './log.ts';
export * from './redis.ts';
