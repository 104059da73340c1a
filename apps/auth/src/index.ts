/** In-process auth, for tests and for apps that embed it. */
export { AuthConfig } from './config.ts';
export { type Auth, type AuthOverrides, createAuth } from './create-auth.ts';
