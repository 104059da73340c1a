export * from './flush-scheduler.ts';
export * from './frame-header.ts';
export * from './frame-scanner.ts';
export * from './frame-writer.ts';
export * from './spliced-frame.ts';
export * from './websocket-server.ts';
