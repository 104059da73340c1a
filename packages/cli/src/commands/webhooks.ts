import { type Command, number, text, texts, UsageError } from '../command.ts';
import { EVENT_OPTIONS } from './events.ts';
import { listen } from './listen.ts';

const ROOM_OPTION = {
  room: {
    type: 'string',
    multiple: true,
    value: 'ROOM',
    help: 'of these rooms, a trailing * matches any rest; may be repeated',
  },
} as const;
const SIGNATURES = ['v1', 'v1a'] as const;
const COLUMNS = ['id', 'state', 'url', 'types', 'rooms'];

export const WEBHOOK_COMMANDS: Readonly<Record<string, Command>> = {
  'webhooks add': {
    summary: 'add an endpoint; its signing secret is shown this once (of v1a: its public key)',
    arguments: ['url'],
    options: {
      ...ROOM_OPTION,
      type: EVENT_OPTIONS.type,
      description: { type: 'string', value: 'TEXT', help: 'yours' },
      signature: { type: 'string', value: 'SCHEME', help: 'v1 (shared secret, the default) or v1a (public key)' },
    },
    async run({ connect, args: { url = '' }, options, out, signal }) {
      const given = text(options, 'signature') ?? 'v1';
      const signature = SIGNATURES.find((one) => one === given);
      if (!signature) throw new UsageError(`--signature is ${given}; ${SIGNATURES.join(' or ')}`);
      const wanted = {
        signature,
        rooms: texts(options, 'room'),
        types: texts(options, 'type'),
        description: text(options, 'description'),
      };
      const { endpoint, secret } = await connect().server.webhookEndpoints.create({ url, ...wanted }, { signal });
      out.show({ ...endpoint, secret });
      return 0;
    },
  },
  'webhooks list': {
    summary: 'endpoints of the rooms of the API key',
    async run({ connect, out, signal }) {
      const all = await connect().server.webhookEndpoints.list({ signal });
      out.table(
        all.map((one) => ({ ...one })),
        COLUMNS,
      );
      return 0;
    },
  },
  'webhooks remove': {
    summary: 'remove an endpoint',
    arguments: ['endpoint'],
    async run({ connect, args: { endpoint = '' }, signal }) {
      await connect().server.webhookEndpoints.remove(endpoint, { signal });
      return 0;
    },
  },
  'webhooks test': {
    summary: 'send endpoint.test now; exit code 1 when it does not arrive',
    arguments: ['endpoint'],
    async run({ connect, args: { endpoint = '' }, out, signal }) {
      const result = await connect().server.webhookEndpoints.test(endpoint, { signal });
      out.show(result);
      return result.delivered ? 0 : 1;
    },
  },
  'webhooks rotate': {
    summary: 'another signing secret; the present one signs too for 24 h',
    arguments: ['endpoint'],
    async run({ connect, args: { endpoint = '' }, out, signal }) {
      out.show({ secret: await connect().server.webhookEndpoints.rotateSecret(endpoint, { signal }) });
      return 0;
    },
  },
  'webhooks deliveries': {
    summary: 'what was given up, or was tried in vain so far',
    arguments: ['endpoint'],
    options: { status: { type: 'string', value: 'STATUS', help: 'failed (default) or waiting' } },
    async run({ connect, args: { endpoint = '' }, options, out, signal }) {
      const status = text(options, 'status') ?? 'failed';
      if (status !== 'failed' && status !== 'waiting') throw new UsageError(`--status is ${status}; failed or waiting`);
      const found = await connect().server.webhookEndpoints.deliveries(endpoint, status, { signal });
      out.table(
        found.map((one) => ({ ...one })),
        ['at', 'roomId', 'eventId', 'tries', 'reason'],
      );
      return 0;
    },
  },
  'webhooks listen': {
    summary: 'an endpoint on this machine for as long as this runs: prints each webhook whose signature holds',
    options: {
      ...ROOM_OPTION,
      type: EVENT_OPTIONS.type,
      url: {
        type: 'string',
        value: 'URL',
        help: 'where the deployment reaches --port, such as a tunnel; default http://127.0.0.1:PORT/ for npm start',
      },
      port: { type: 'string', value: 'PORT', help: 'on 127.0.0.1, default a free one' },
      forward: { type: 'string', value: 'URL', help: 'each goes on to there as it came, and its status back' },
      limit: { type: 'string', value: 'N', help: 'end after N of them' },
    },
    async run({ connect, options, out, signal }) {
      const forward = text(options, 'forward');
      if (forward !== undefined && !URL.canParse(forward)) throw new UsageError('--forward is no URL');
      return listen({
        endpoints: connect().server.webhookEndpoints,
        ...{ out, signal, forward },
        wanted: { url: text(options, 'url'), rooms: texts(options, 'room'), types: texts(options, 'type') },
        port: number(options, 'port', { min: 1, max: 65_535 }) ?? 0,
        limit: number(options, 'limit', { min: 1 }) ?? Number.POSITIVE_INFINITY,
      });
    },
  },
};
