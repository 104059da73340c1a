/** The described environment of a part as ECS wants it: plain variables and references to secrets. */
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type { Described, Resource, Secret } from '../topology/environment.ts';

/** What AWS puts in for what only it knows; undefined leaves the setting out. */
export interface AwsPlace {
  readonly from: Partial<Record<Resource, string | undefined>>;
  readonly secrets: Partial<Record<Secret, ecs.Secret>>;
}

/** Variables and secrets of `part`, in the order of the description. */
export function containerEnvironment(
  part: Described,
  place: AwsPlace,
): { environment: Record<string, string>; secrets: Record<string, ecs.Secret> } {
  const environment: Record<string, string> = {};
  const secrets: Record<string, ecs.Secret> = {};
  for (const [name, value] of Object.entries(part.environment)) {
    if (value === undefined) continue;
    if (typeof value === 'string') environment[name] = value;
    else if ('from' in value) {
      const text = place.from[value.from];
      if (text !== undefined) environment[name] = text;
    } else {
      const secret = place.secrets[value.secret];
      if (secret) secrets[name] = secret;
    }
  }
  return { environment, secrets };
}

/** What a user of a construct gives wins over the described: a name that is given as a secret is no variable any more, and the reverse. */
export function overrideSettings(
  described: ReturnType<typeof containerEnvironment>,
  given: {
    readonly environment?: { readonly [name: string]: string };
    readonly secrets?: { readonly [name: string]: ecs.Secret };
  },
): ReturnType<typeof containerEnvironment> {
  const without = <T>(all: Record<string, T>, names: object | undefined): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(names ?? {}, name)));
  return {
    environment: { ...without(described.environment, given.secrets), ...given.environment },
    secrets: { ...without(described.secrets, given.environment), ...given.secrets },
  };
}
