/** Connections: from the environment, or from a file that its owner alone may read. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './command.ts';

export interface Connection {
  readonly url: string;
  readonly apiKey: string;
}

const folderOf = (env: NodeJS.ProcessEnv) =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'tandem/profiles');

/** @throws UsageError when `name` cannot be a file's name */
function fileOf(name: string, env: NodeJS.ProcessEnv): string {
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name))
    throw new UsageError(`${name} is no name of a profile: letters, digits, - _ .`);
  return join(folderOf(env), `${name}.json`);
}

/**
 * The profile that is named (`--profile`, TANDEM_PROFILE), else TANDEM_URL and TANDEM_API_KEY, else the profile `default`.
 * @throws UsageError
 */
export function findConnection(named: string | undefined, env: NodeJS.ProcessEnv): Connection {
  const name = named ?? env.TANDEM_PROFILE;
  if (name) return readProfile(name, env);
  const { TANDEM_URL: url, TANDEM_API_KEY: apiKey } = env;
  if (url && apiKey) return { url, apiKey };
  if (url || apiKey) throw new UsageError(`${url ? 'TANDEM_API_KEY' : 'TANDEM_URL'} is missing in the environment`);
  if (profileNames(env).includes('default')) return readProfile('default', env);
  throw new UsageError('no connection: set TANDEM_URL and TANDEM_API_KEY, or run tandem profile set default --url URL');
}

function readProfile(name: string, env: NodeJS.ProcessEnv): Connection {
  const file = fileOf(name, env);
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0)
      throw new UsageError(`others may read ${file}: chmod 600 it, and make a new key`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`no profile ${name}: tandem profile set ${name} --url URL`);
  }
  try {
    const { url, apiKey } = JSON.parse(text) as Partial<Connection>;
    if (typeof url === 'string' && typeof apiKey === 'string') return { url, apiKey };
  } catch {}
  throw new UsageError(`${file} is damaged: tandem profile set ${name} --url URL`);
}

export function writeProfile(name: string, connection: Connection, env: NodeJS.ProcessEnv): string {
  const file = fileOf(name, env);
  mkdirSync(folderOf(env), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(connection)}\n`, { mode: 0o600 });
  // It may have been there, with another mode.
  chmodSync(file, 0o600);
  return file;
}

export function profileNames(env: NodeJS.ProcessEnv): string[] {
  try {
    return readdirSync(folderOf(env)).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -5)] : []));
  } catch {
    return [];
  }
}

export const removeProfile = (name: string, env: NodeJS.ProcessEnv) => rmSync(fileOf(name, env));
