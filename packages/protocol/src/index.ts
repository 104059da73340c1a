export * from './codes.ts';
export * from './messages.ts';
export * from './names.ts';
export * from './pair.ts';
export * from './report.ts';
export * from './token.ts';
