/** Structured logs: pino, one JSON object a line, secrets removed by name. */
import { type Logger, pino, stdSerializers } from 'pino';

export type { Logger };

/** Names of fields whose value never reaches a log, at any of the first three depths. */
export const SECRET_FIELDS = [
  'token',
  'authorization',
  'cookie',
  'password',
  'secret',
  'credential',
  'sessionToken',
  'refresh_token',
  'refreshToken',
  'apiKey',
  'id_token',
  'sdp',
];

/** A URL fit for a log: its query values (tokens travel there) are gone. */
export function logUrl(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? url : `${url.slice(0, at)}?…`;
}

/** Fields of errors that are logged, beside `type`, `message`, `stack` and other errors. */
const ERROR_FIELDS = [
  ...['code', 'errno', 'syscall', 'address', 'port', 'status', 'statusCode'],
  // Of ours: why, of what, and when again.
  ...['reason', 'dependency', 'retryAfter', 'field'],
];

/**
 * An error as a line has it. Errors carry along what failed: those of ioredis the command with all its arguments (the password of HELLO, a
 * token, a message between two people), others a request, an answer or a URL. None of that is logged.
 */
function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.err(error);
  const fields = Object.entries(error).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    // That of `cause` is in `message` and `stack`.
    if (value instanceof Error) return name === 'cause' ? [] : [[name, loggedError(value)]];
    return ERROR_FIELDS.includes(name) && typeof value !== 'object' ? [[name, value]] : [];
  });
  const several = error instanceof AggregateError ? { aggregateErrors: error.errors.map(loggedError) } : {};
  const name = (error as { command?: { name?: unknown } }).command?.name;
  return {
    ...Object.fromEntries(fields),
    ...several,
    ...(typeof name === 'string' ? { command: name } : {}),
    ...{ type, message, stack },
  };
}

/**
 * @param name service name, in every line
 * @param level pino level. Default, and for what is none: `info`.
 */
export function createLogger(name: string, level = 'info', destination?: { write(line: string): void }): Logger {
  const options = {
    name,
    // One that pino does not know ends the process with its stack: what checks the settings says it better, and needs a log for it.
    level: level in pino.levels.values || level === 'silent' ? level : 'info',
    redact: { paths: SECRET_FIELDS.flatMap((f) => [f, `*.${f}`, `*.*.${f}`]), censor: '[removed]' },
    serializers: {
      err: loggedError,
      req: (req: { method: string; url: string; id: string }) => ({
        method: req.method,
        url: logUrl(req.url),
        id: req.id,
      }),
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
