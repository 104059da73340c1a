/** Settings of an app as a construct is given them: checked against the app's own configuration, before anything is deployed. */
import { nearestSetting } from '@tandem/service/setting-names';
import { expectation } from '@tandem/service/settings';
import { Token } from 'aws-cdk-lib';
import { IsOptional, type TObject, type TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { check } from './check.ts';

/** Where a setting is given. */
export interface GivenSettings {
  readonly environment?: { readonly [name: string]: string };
  readonly secrets?: { readonly [name: string]: unknown };
}

/**
 * Refuses names that the app does not know and that are nearly one of its own, values out of range, and a name given twice.
 * @param config the app's schema
 * @throws Error naming the property, the setting and the fix; a value is named only where the setting is no secret
 */
export function checkSettings(construct: string, config: TObject, given: GivenSettings): void {
  const known = Object.keys(config.properties);
  for (const where of ['environment', 'secrets'] as const)
    for (const name of Object.keys(given[where] ?? {})) {
      const meant = nearestSetting(name, known);
      check(meant === undefined, construct, where, `${name} is no setting of the app`, `${meant}, if that is meant`);
    }
  for (const [name, value] of Object.entries(given.environment ?? {})) {
    check(
      !Object.hasOwn(given.secrets ?? {}, name),
      construct,
      'environment',
      `${name} is in secrets too, and ECS refuses a name twice`,
      'give it once',
    );
    const schema: (TSchema & { readonly secret?: boolean }) | undefined = config.properties[name];
    if (schema === undefined || Token.isUnresolved(value)) continue;
    check(
      takes(schema, value),
      construct,
      'environment',
      `${name} cannot be ${schema.secret ? 'that' : JSON.stringify(value)}`,
      expectation(schema),
    );
  }
}

/**
 * Whether the app starts with this text. Turned into a value as the app's loader does (Ajv, "Coercion rules"); an empty text counts as unset.
 * infra/test/settings.test.ts compares both.
 */
function takes(schema: object, text: unknown): boolean {
  if (typeof text !== 'string') return false;
  if (text === '') return 'default' in schema || IsOptional(schema);
  const type = 'type' in schema ? schema.type : undefined;
  if (type === 'boolean') return text === 'true' || text === 'false';
  if (type !== 'integer' && type !== 'number') return Check(schema, text);
  return Check(schema, Number(text));
}
