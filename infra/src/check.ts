/** One way to refuse a property: it names the construct, the property, what is wrong, and the fix. */
import { type Duration, Token } from 'aws-cdk-lib';

/**
 * Refuse a property.
 * @throws Error `Construct.prop: problem. Fix: fix.` when `ok` is false
 */
export function check(ok: boolean, construct: string, prop: string, problem: string, fix: string): void {
  if (!ok) throw new Error(`${construct}.${prop}: ${problem}. Fix: ${fix}.`);
}

/**
 * Properties that TypeScript requires, asked for again: JavaScript and a cast leave them out, and the error would otherwise be the framework's.
 * @throws Error naming the first that is missing
 */
export function checkGiven<T extends object>(
  construct: string,
  props: T | undefined,
  ...names: (keyof T & string)[]
): void {
  for (const name of names)
    check(
      props?.[name] !== undefined && props[name] !== null,
      construct,
      name,
      'it is missing',
      `give ${name}; its docstring says what it is`,
    );
}

/** A whole number from `min` to `max`; unset and unresolved tokens pass. */
export function checkInteger(
  construct: string,
  prop: string,
  value: number | undefined,
  min: number,
  max: number,
): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  check(
    Number.isInteger(value) && value >= min && value <= max,
    construct,
    prop,
    `${value} is not a whole number from ${min} to ${max}`,
    `give one, such as ${min}`,
  );
}

/** A duration from `min` to `max` seconds; unset and unresolved pass. */
export function checkSeconds(
  construct: string,
  prop: string,
  value: Duration | undefined,
  min: number,
  max: number,
  why: string,
): void {
  if (value === undefined || value.isUnresolved()) return;
  const seconds = value.toSeconds({ integral: false });
  check(
    seconds >= min && seconds <= max,
    construct,
    prop,
    `${seconds} s is outside ${min} to ${max} s (${why})`,
    `Duration.seconds(${Math.min(Math.max(Math.round(seconds), min), max)})`,
  );
}

/** A DNS name in lower case, without scheme or path; unset and unresolved pass. */
export function checkDomain(construct: string, prop: string, value: string | undefined): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  check(
    /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(value),
    construct,
    prop,
    `"${value}" is not a DNS name`,
    'write only the name in lower case, such as calls.example.com',
  );
}
