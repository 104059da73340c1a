/** What a command is, and how its arguments are read. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { TandemServer } from '@tandem/server';
import type { Output } from './output.ts';

/** The command line is wrong; its message names the fix. Exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Values of options: text, a flag, or several texts. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** What a command is given. */
export interface CommandContext {
  /** By the names of {@link Command.arguments}; an optional one may be missing. */
  readonly args: Readonly<Record<string, string>>;
  readonly options: OptionValues;
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Connection of the profile or of the environment. @throws UsageError */
  connect(more?: { readonly maxRetries?: number }): { readonly server: TandemServer; readonly url: string };
  /** Text from standard input, to its end. */
  readInput(): Promise<string>;
}

export interface Command {
  readonly summary: string;
  /** Names of the positional arguments, in order; one that ends in `?` may be left out. */
  readonly arguments?: readonly string[];
  readonly options?: Readonly<Record<string, OptionDescription>>;
  /** @returns the exit code; default 0 */
  run(context: CommandContext): Promise<number | undefined>;
}

export interface OptionDescription {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** `NAME`, `SECONDS`: what stands for the value in the help. */
  readonly value?: string;
  readonly help: string;
}

/** Options of every command. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionDescription>> = {
  json: { type: 'boolean', help: 'JSON instead of a table' },
  profile: { type: 'string', value: 'NAME', help: 'connection to use (tandem profile set)' },
  help: { type: 'boolean', help: 'this text' },
};

/** @throws UsageError */
export function readArguments(command: Command, argv: readonly string[]): Pick<CommandContext, 'args' | 'options'> {
  if (argv.some((one) => /^--?api-?key\b/i.test(one) || /^tk_[\w-]{20,}/.test(one)))
    throw new UsageError(
      'an API key on a command line can be read by every process: TANDEM_API_KEY, or tandem profile set',
    );
  const options = { ...command.options, ...COMMON_OPTIONS };
  let parsed: { readonly values: object; readonly positionals: readonly string[] };
  try {
    parsed = parseArgs({
      args: [...argv],
      options: options as ParseArgsConfig['options'] & object,
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const names = command.arguments ?? [];
  const { positionals, values } = parsed;
  const args: Record<string, string> = {};
  for (const [i, name] of names.entries()) {
    const value = positionals[i];
    if (value !== undefined) args[name.replace('?', '')] = value;
    else if (!name.endsWith('?') && !('help' in values)) throw new UsageError(`${name.toUpperCase()} is missing`);
  }
  if (positionals.length > names.length) throw new UsageError(`what is ${positionals[names.length]}?`);
  return { args, options: values as OptionValues };
}

/** The text of an option. */
export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The texts of an option that may be given more than once. */
export function texts(options: OptionValues, name: string): readonly string[] | undefined {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : undefined;
}

/** @throws UsageError when it is no number from `min` to `max` */
export function number(
  options: OptionValues,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
): number | undefined {
  const given = text(options, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === '' || !(value >= min && value <= max))
    throw new UsageError(`--${name} is ${given}; it may be ${min} to ${max}`);
  return value;
}

/** @throws UsageError when it is no JSON */
export function json(options: OptionValues, name: string): unknown {
  const given = text(options, name);
  if (given === undefined) return undefined;
  try {
    return JSON.parse(given);
  } catch {
    throw new UsageError(`--${name} is no JSON`);
  }
}
