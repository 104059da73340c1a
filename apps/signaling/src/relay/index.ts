export * from './scan.ts';
export * from './splice.ts';
export * from './turn.ts';
export * from './wire-socket.ts';
export * from './writer.ts';
