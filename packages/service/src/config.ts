/** Configuration from the environment, checked against a TypeBox schema; one clear line for each wrong setting. */
import { type EnvSchemaOpt, envSchema } from 'env-schema';
import type { Static, TObject } from 'typebox';
import { nearestSetting } from './setting-names.ts';

/** Thrown by {@link loadConfig}; `message` names the setting, what is wrong and what was expected. Never a value. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Read and check configuration.
 * @param schema TypeBox object; keys are environment variable names, `default`s are filled in. An empty string counts as unset.
 * @param env default `process.env`
 * @throws ConfigError naming every setting that is missing or wrong, and a variable that is nearly one
 */
export function loadConfig<T extends TObject>(
  schema: T,
  env: Record<string, string | undefined> = process.env,
): Static<T> {
  const known = Object.keys(schema.properties);
  for (const [name, value] of Object.entries(env)) {
    const meant = value ? nearestSetting(name, known) : undefined;
    if (meant && !env[meant]) throw new ConfigError(`configuration: ${name} is unknown. Did you mean ${meant}?`);
  }
  const data = Object.fromEntries(Object.entries(env).filter(([key, value]) => key in schema.properties && value));
  try {
    const config = envSchema({ schema, data, env: false, ajv: { customOptions: annotate } }) as Static<T>;
    // Ajv turns the text Infinity into a number that is above every minimum.
    for (const [name, value] of Object.entries(config as object))
      if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${name} must be a finite number`);
    return config;
  } catch (error) {
    throw new ConfigError(`configuration: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `secret: true` marks settings whose value a place of deployment must keep; it checks nothing. */
function annotate(ajv: Ajv): Ajv {
  return ajv.addKeyword('secret');
}

type Ajv = Parameters<Extract<NonNullable<EnvSchemaOpt['ajv']>, { customOptions: unknown }>['customOptions']>[0];
