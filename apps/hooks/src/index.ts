export { createHooks, type Hooks } from './app.ts';
export { HooksConfig } from './config.ts';
