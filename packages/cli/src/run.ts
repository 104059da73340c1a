/** Finds the command, runs it, and says what went wrong. */
import { TandemError, TandemServer } from '@tandem/server';
import { COMMON_OPTIONS, type Command, type CommandContext, readArguments, text, UsageError } from './command.ts';
import { DOCTOR_COMMANDS } from './commands/doctor.ts';
import { EVENT_COMMANDS } from './commands/events.ts';
import { LOAD_COMMANDS } from './commands/load-test.ts';
import { PEOPLE_COMMANDS } from './commands/people.ts';
import { PROFILE_COMMANDS } from './commands/profiles.ts';
import { RECORDING_COMMANDS } from './commands/recordings.ts';
import { ROOM_COMMANDS } from './commands/rooms.ts';
import { WEBHOOK_COMMANDS } from './commands/webhooks.ts';
import { Output } from './output.ts';
import { findConnection } from './profile.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  ...ROOM_COMMANDS,
  ...PEOPLE_COMMANDS,
  ...RECORDING_COMMANDS,
  ...EVENT_COMMANDS,
  ...WEBHOOK_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...LOAD_COMMANDS,
  ...PROFILE_COMMANDS,
};

/** The world of a command. */
export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Aborted: end soon. */
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly readInput: () => Promise<string>;
}

/** @returns the exit code */
export async function run(argv: readonly string[], options: RunOptions): Promise<number> {
  const { env, signal, write, writeError, readInput } = options;
  try {
    const name = [argv.slice(0, 2).join(' '), argv[0] ?? ''].find((one) => Object.hasOwn(COMMANDS, one));
    const command = name === undefined ? undefined : COMMANDS[name];
    if (name === undefined || !command) {
      const isAsked = argv.length === 0 || argv.includes('--help');
      (isAsked ? write : writeError)(isAsked ? overview() : `tandem: no command ${argv[0]}\n${overview()}`);
      return isAsked ? 0 : 2;
    }
    const { args, options: values } = readArguments(command, argv.slice(name.split(' ').length));
    if (values.help === true) {
      write(helpOf(name, command));
      return 0;
    }
    const connect: CommandContext['connect'] = (more = {}) => {
      const { url, apiKey } = findConnection(text(values, 'profile'), env);
      const allowPlainHttp = env.TANDEM_ALLOW_PLAIN_HTTP === 'true';
      return { url, server: new TandemServer({ url, apiKey, allowPlainHttp, ...more }) };
    };
    const out = new Output(write, values.json === true);
    return (await command.run({ args, options: values, out, env, signal, connect, readInput })) ?? 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Who interrupted it, or reads no more, knows.
    if (signal.aborted && error instanceof TandemError && error.code === 'aborted') return 1;
    const isUsage = error instanceof UsageError || (error instanceof TandemError && error.code === 'invalid_argument');
    if (!isUsage && !(error instanceof TandemError)) writeError(`${error.stack}\n`);
    else writeError(`tandem: ${error.message}\n`);
    return isUsage ? 2 : 1;
  }
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `tandem COMMAND [options]; tandem COMMAND --help\n\n${lines.join('\n')}\n
Connection: TANDEM_URL and TANDEM_API_KEY, or a profile (tandem profile set). Exit code: 0 done, 1 refused or failed, 2 wrong command line.\n`;
}

function helpOf(name: string, command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([option, { value, help }]) => [`--${option}${value ? ` ${value}` : ''}`, help] as const,
  );
  const width = Math.max(...options.map(([option]) => option.length));
  const args = (command.arguments ?? []).map((one) =>
    (one.endsWith('?') ? `[${one.slice(0, -1)}]` : one).toUpperCase(),
  );
  const head = ['tandem', name, ...args, '[options]'].join(' ');
  return `${head}: ${command.summary}\n\n${options.map(([option, help]) => `  ${option.padEnd(width)}  ${help}`).join('\n')}\n`;
}
