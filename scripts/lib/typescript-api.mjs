// TypeScript's JavaScript API, which TypeScript 7 does not have: that of the TypeScript 6 that jsii brings along. A dependency of our own on
// TypeScript 6 would put a second `tsc` into node_modules/.bin.
import { createRequire } from 'node:module';

const jsii = createRequire(createRequire(import.meta.url).resolve('jsii/package.json'));

/** Path of the module, for those who load it by themselves. */
export const typescriptPath = jsii.resolve('typescript');
export const ts = jsii('typescript');
