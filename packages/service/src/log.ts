/** Structured logs: pino, one JSON object a line, secrets removed by name. */
import { type Logger, pino } from 'pino';

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

/**
 * @param name service name, in every line
 * @param level pino level. Default `info`.
 */
export function createLogger(name: string, level = 'info', destination?: { write(line: string): void }): Logger {
  const options = {
    name,
    level,
    redact: { paths: SECRET_FIELDS.flatMap((f) => [f, `*.${f}`, `*.*.${f}`]), censor: '[removed]' },
    serializers: {
      req: (req: { method: string; url: string; id: string }) => ({
        method: req.method,
        url: logUrl(req.url),
        id: req.id,
      }),
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
