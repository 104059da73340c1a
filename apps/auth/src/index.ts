/** In-process auth, for tests and for whoever embeds it. */
export { AuthConfig } from './config.ts';
export { type Auth, type AuthOverrides, createAuth } from './create-auth.ts';
