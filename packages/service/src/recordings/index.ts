export * from './documents.ts';
export * from './open-store.ts';
export * from './running.ts';
export * from './store.ts';
export * from './unready.ts';
