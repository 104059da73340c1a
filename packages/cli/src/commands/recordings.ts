import { type Command, number, text, UsageError } from '../command.ts';

const COLUMNS = ['recordingId', 'status', 'startedAt', 'durationSeconds', 'layout', 'startedBy'];
const LAYOUTS = ['grid', 'speaker'] as const;
const of = ['room', 'recording'];

export const RECORDING_COMMANDS: Readonly<Record<string, Command>> = {
  'recordings start': {
    summary: 'record a room; everybody in it sees that',
    arguments: ['room'],
    options: {
      layout: {
        type: 'string',
        value: 'LAYOUT',
        help: 'of the film: grid (all alike, the default) or speaker (large)',
      },
    },
    async run({ connect, args: { room = '' }, options, out, signal }) {
      const given = text(options, 'layout');
      const layout = LAYOUTS.find((one) => one === given);
      if (given !== undefined && !layout)
        throw new UsageError(`--layout is ${given}; it may be ${LAYOUTS.join(' or ')}`);
      out.show(await connect().server.recordings.start(room, { ...(layout ? { layout } : {}), signal }));
      return 0;
    },
  },
  'recordings stop': {
    summary: 'end a recording; its files come some time later',
    arguments: of,
    async run({ connect, args: { room = '', recording = '' }, out, signal }) {
      out.show(await connect().server.recordings.stop(room, recording, { signal }));
      return 0;
    },
  },
  'recordings list': {
    summary: 'recordings of a room, the latest first',
    arguments: ['room'],
    options: { limit: { type: 'string', value: 'N', help: 'most recordings shown, default 1000' } },
    async run({ connect, args: { room = '' }, options, out, signal }) {
      const limit = number(options, 'limit', { min: 1 }) ?? 1000;
      const found = [];
      const pageSize = Math.min(100, limit);
      for await (const one of connect().server.recordings.list(room, { pageSize, signal })) {
        if (found.push({ ...one }) === limit) break;
      }
      out.table(found, COLUMNS);
      return 0;
    },
  },
  'recordings get': {
    summary: 'one recording with its files',
    arguments: of,
    async run({ connect, args: { room = '', recording = '' }, out, signal }) {
      out.show(await connect().server.recordings.get(room, recording, { signal }));
      return 0;
    },
  },
  'recordings delete': {
    summary: 'a recording and its files are gone for good',
    arguments: of,
    async run({ connect, args: { room = '', recording = '' }, signal }) {
      await connect().server.recordings.delete(room, recording, { signal });
      return 0;
    },
  },
};
