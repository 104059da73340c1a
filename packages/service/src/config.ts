/** Configuration from the environment, checked against a TypeBox schema; one clear line for each wrong setting. */
import { type EnvSchemaOpt, envSchema } from 'env-schema';
import type { Static, TObject } from 'typebox';
import { Check } from 'typebox/value';
import { nearestSetting } from './setting-names.ts';
import { expectation } from './settings.ts';

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
    for (const [name, value] of Object.entries(config as object)) {
      if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${name} must be a finite number`);
      const setting = schema.properties[name];
      // What Ajv does not see: see checkedText().
      if (setting && value !== undefined && !Check(setting, value)) throw new Error(`${name}: ${expectation(setting)}`);
    }
    return config;
  } catch (error) {
    throw new ConfigError(`configuration: ${explain(error, schema)}`);
  }
}

/** What is wrong, a setting each: its name, what was expected, and never a value. */
function explain(error: unknown, { properties }: TObject): string {
  const { errors = [], message = String(error) } = error as { errors?: readonly AjvFault[]; message?: string };
  if (errors.length === 0) return message;
  const lines = errors.map(({ instancePath, keyword, message: fault }) => {
    const name = instancePath.slice(1);
    const setting = properties[name];
    if (!setting) return `${fault}`;
    return CHOICES.includes(keyword) ? `${name}: ${expectation(setting)}` : `${name} ${fault}`;
  });
  return [...new Set(lines)].join(', ');
}

interface AjvFault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
}
/** Keywords whose message by Ajv says nothing that helps. */
const CHOICES: readonly string[] = ['enum', 'const', 'anyOf', 'pattern'];

/** `secret: true` marks settings whose value a place of deployment must keep, `expected` says what a refusal asks for; neither checks anything. */
function annotate(ajv: Ajv): Ajv {
  return ajv.addKeyword('secret').addKeyword('expected');
}

type Ajv = Parameters<Extract<NonNullable<EnvSchemaOpt['ajv']>, { customOptions: unknown }>['customOptions']>[0];
