/** The command line of `npm start`. */
import { parseArgs } from 'node:util';

export interface LocalOptions {
  /** Port of the edge; the other ports move along. 0: all ports free ones. Default 3000. */
  readonly port: number;
  /** Signaling nodes. Default: what the topology says for development. */
  readonly nodes?: number;
  /** Serve https with a self-signed certificate, on the LAN as well. */
  readonly https: boolean;
  /** Open the browser. */
  readonly open: boolean;
  /** Large rooms go through a media node of this machine, when the engine is here (`npm run media:engine`). */
  readonly media: boolean;
  /** Events of rooms: the service apps/hooks, and EVENTS of signaling. */
  readonly events: boolean;
}

export const HELP = `npm start -- [options]

  --port N    port of the page (default 3000); every other port moves by the same distance; 0 picks free ones
  --nodes N   signaling nodes (default 2; more than one needs redis-server on the PATH or REDIS_URL)
  --https     self-signed https, on the local network too, so that a phone may use its camera
  --open      open the page in the browser
  --no-media  rooms of any size are a mesh
  --events    tell backends what happens in rooms (docs/events.md); needs redis-server or REDIS_URL

RECORDINGS of the environment says where recordings are kept: a folder, or s3://BUCKET (docs/recordings.md); default: nothing is recorded.
KEEP_DAYS says for how many days; default: for ever.
ACCESS, API_KEYS, OPEN_GRANTS and OIDC_… of the environment say who may have a token (docs/auth.md); default: anybody.
CAPTIONS_RECOGNIZERS of the environment, such as en=ws://127.0.0.1:2700, makes captions where browsers cannot (docs/captions.md); default: none.
CLIENT_SETTINGS is JSON for the page, such as {"embedOrigins":["https://clinic.example.org"]}.
`;

export class UsageError extends Error {
  override name = 'UsageError';
}

function integer(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`--${name} ${text}: expected a whole number from ${min} to ${max}`);
  return value;
}

/**
 * @returns the options, or 'help'
 * @throws UsageError in one line
 */
export function parseOptions(args: readonly string[]): LocalOptions | 'help' {
  let values: { port?: string; nodes?: string } & Partial<
    Record<'https' | 'open' | 'no-media' | 'events' | 'help', boolean>
  >;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        nodes: { type: 'string' },
        https: { type: 'boolean' },
        open: { type: 'boolean' },
        'no-media': { type: 'boolean' },
        events: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError(
      `${error instanceof Error ? error.message.split('. ')[0] : error}. Known: npm start -- --help`,
    );
  }
  if (values.help) return 'help';
  return {
    port: values.port === undefined ? 3000 : integer('port', values.port, 0, 60_000),
    ...(values.nodes === undefined ? {} : { nodes: integer('nodes', values.nodes, 1, 16) }),
    https: values.https ?? false,
    open: values.open ?? false,
    media: !(values['no-media'] ?? false),
    events: values.events ?? false,
  };
}
