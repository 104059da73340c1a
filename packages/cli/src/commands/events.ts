import { TandemError, type WebhookEvent } from '@tandem/server';
import { type Command, type CommandContext, number, text, texts, UsageError } from '../command.ts';
import type { Output } from '../output.ts';

/** Options of which events. */
export const EVENT_OPTIONS = {
  type: { type: 'string', multiple: true, value: 'TYPE', help: 'only these; may be repeated, default all' },
  after: { type: 'string', value: 'TIME', help: 'events from then on (RFC 3339)' },
} as const;

export const EVENT_COMMANDS: Readonly<Record<string, Command>> = {
  'events tail': {
    summary: 'events of rooms as they come, until interrupted; goes on where it was when the connection breaks',
    options: {
      ...EVENT_OPTIONS,
      after: { ...EVENT_OPTIONS.after, help: `${EVENT_OPTIONS.after.help}; default now` },
      room: { type: 'string', value: 'ROOM', help: 'only those of that room' },
      limit: { type: 'string', value: 'N', help: 'end after N of them' },
    },
    run: tail,
  },
  'events replay': {
    summary: 'send events to a webhook endpoint again, with their old ids',
    arguments: ['endpoint'],
    options: {
      ...EVENT_OPTIONS,
      before: { type: 'string', value: 'TIME', help: 'until then, default now' },
      room: { type: 'string', value: 'ROOM', help: 'only those of that room' },
    },
    async run({ connect, args: { endpoint = '' }, options, out, signal }) {
      const after = text(options, 'after');
      if (after === undefined) throw new UsageError('--after is missing: from when on?');
      const range = {
        after,
        before: text(options, 'before'),
        types: texts(options, 'type'),
        roomId: text(options, 'room'),
      };
      out.show({ events: await connect().server.webhookEndpoints.replay(endpoint, { ...range, signal }) });
      return 0;
    },
  },
};

async function tail({ connect, options, out, signal }: CommandContext): Promise<number> {
  const limit = number(options, 'limit', { min: 1 }) ?? Number.POSITIVE_INFINITY;
  const wanted = { after: text(options, 'after'), roomId: text(options, 'room'), types: texts(options, 'type') };
  let count = 0;
  try {
    // A deployment that is away for some minutes ends no tail.
    for await (const event of connect({ maxRetries: 300 }).server.events.stream({ ...wanted, signal })) {
      showEvent(out, event);
      if (++count >= limit) break;
    }
  } catch (error) {
    if (!(error instanceof TandemError && error.code === 'aborted')) throw error;
  }
  return 0;
}

/** One line: JSON as it came, or what a person looks for. */
export function showEvent(out: Output, event: WebhookEvent): void {
  if (out.isJson) {
    out.show(event);
    return;
  }
  const { peerId, userId, reason, count } = event.data;
  const about = [event.roomId, peerId, userId, reason, count].filter((one) => one !== undefined);
  out.row([event.timestamp, event.type.padEnd(14), ...about]);
}
