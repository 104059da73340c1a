/** Who may have a token, as the environment of `npm start` says: what it leaves out keeps its default, nothing is ignored. */
import type { AuthConfig } from '@tandem/auth/config';

const NAMES = [
  'ACCESS',
  'API_KEYS',
  'OPEN_GRANTS',
  'OIDC_ISSUER',
  'OIDC_AUDIENCE',
  'OIDC_NONCE',
  'OIDC_GRANTS_CLAIM',
] as const satisfies readonly (keyof AuthConfig)[];

/** @param env default `process.env`; an empty string counts as unset */
export function accessSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  return Object.fromEntries(NAMES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}
