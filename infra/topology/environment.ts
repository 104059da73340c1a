/** Turns the described environment of a part into variables, for places that know every value as text. */
import type { Value } from './index.ts';

export type Resource = Extract<Value, { readonly from: string }>['from'];
export type Secret = Extract<Value, { readonly secret: string }>['secret'];

/** What one place (this machine, compose) puts in for the values that only it knows. Undefined leaves the setting out. */
export interface Place {
  readonly from: Readonly<Record<Resource, string | undefined>>;
  readonly secrets: Readonly<Record<Secret, string | undefined>>;
}

/** A part that has settings in its environment. */
export interface Described {
  readonly environment: { readonly [name: string]: Value | undefined };
}

/** Variables of `part` at `place`, in the order of the description. */
export function resolveEnvironment(part: Described, place: Place): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(part.environment)) {
    if (value === undefined) continue;
    const text =
      typeof value === 'string' ? value : 'from' in value ? place.from[value.from] : place.secrets[value.secret];
    if (text !== undefined) out[name] = text;
  }
  return out;
}
