import { setTimeout as wait } from 'node:timers/promises';
import type { Peer, Room, TandemServer } from '@tandem/server';
import { TandemError } from '@tandem/server';
import { type Command, type CommandContext, json, number, text, texts, UsageError } from '../command.ts';

const COLUMNS = ['roomId', 'numPeers', 'maxPeers', 'locked', 'startedAt', 'endAt', 'tags'];

export const ROOM_COMMANDS: Readonly<Record<string, Command>> = {
  'rooms list': {
    summary: 'rooms in use or created',
    options: {
      prefix: { type: 'string', value: 'TEXT', help: 'beginning of the room ids' },
      tag: { type: 'string', value: 'TAG', help: 'only rooms with that tag' },
      limit: { type: 'string', value: 'N', help: 'most rooms shown, default 1000' },
    },
    async run({ connect, options, out, signal }) {
      const limit = number(options, 'limit', { min: 1 }) ?? 1000;
      const rooms: Room[] = [];
      const wanted = { prefix: text(options, 'prefix'), tag: text(options, 'tag'), pageSize: Math.min(1000, limit) };
      for await (const room of connect().server.rooms.list({ ...wanted, signal })) {
        if (rooms.push(room) === limit) break;
      }
      out.table(
        rooms.map((room) => ({ ...room })),
        COLUMNS,
      );
      return 0;
    },
  },
  'rooms get': {
    summary: 'one room with its settings',
    arguments: ['room'],
    async run({ connect, args: { room = '' }, out, signal }) {
      out.show(await connect().server.rooms.get(room, { signal }));
      return 0;
    },
  },
  'rooms create': {
    summary: 'create a room; without a name it gets one that cannot be guessed',
    arguments: ['room?'],
    options: {
      'max-peers': { type: 'string', value: 'N', help: 'most people at once' },
      locked: { type: 'boolean', help: 'no new people come in' },
      'expires-at': { type: 'string', value: 'TIME', help: 'from then on no new people (RFC 3339)' },
      'end-at': { type: 'string', value: 'TIME', help: 'then all are removed (RFC 3339)' },
      metadata: { type: 'string', value: 'JSON', help: 'yours; clients never see it' },
      tag: { type: 'string', multiple: true, value: 'TAG', help: 'to find it by; may be repeated' },
      'idempotency-key': { type: 'string', value: 'TEXT', help: 'with the same key again: the same room' },
    },
    async run({ connect, args, options, out, signal }) {
      const metadata = json(options, 'metadata');
      if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)))
        throw new UsageError('--metadata is no JSON object');
      const room = {
        roomId: args.room,
        maxPeers: number(options, 'max-peers', { min: 1 }),
        locked: options.locked === true ? true : undefined,
        expiresAt: text(options, 'expires-at'),
        endAt: text(options, 'end-at'),
        metadata: metadata as Record<string, unknown> | undefined,
        tags: texts(options, 'tag'),
      };
      out.show(await connect().server.rooms.create(room, { idempotencyKey: text(options, 'idempotency-key'), signal }));
      return 0;
    },
  },
  'rooms close': {
    summary: 'end a room: all are removed, and its settings go',
    arguments: ['room'],
    async run({ connect, args: { room = '' }, signal }) {
      await connect().server.rooms.close(room, { signal });
      return 0;
    },
  },
  'rooms watch': {
    summary: 'who comes and goes, until interrupted',
    arguments: ['room'],
    options: { interval: { type: 'string', value: 'SECONDS', help: 'between two looks, default 2' } },
    run: watch,
  },
};

async function watch({ connect, args: { room = '' }, options, out, signal }: CommandContext): Promise<number> {
  const { server } = connect();
  const seconds = number(options, 'interval', { min: 0.2, max: 3600 }) ?? 2;
  let before = new Map<string, Peer>();
  while (!signal.aborted) {
    const now = await peersOf(server, room, signal);
    // Interrupted before the answer: who is in the room is not known.
    if (!now) break;
    const say = (change: string, { peerId, userId, name }: Peer) => {
      const at = new Date().toISOString();
      const shown = { at, change, peerId, userId, ...(name === undefined ? {} : { name }) };
      if (out.isJson) out.show(shown);
      else out.line(`${at}  ${change.padEnd(6)}  ${peerId}  ${userId}`);
    };
    for (const [id, peer] of now) {
      const earlier = before.get(id);
      if (!earlier) say('joined', peer);
      else if (earlier.away !== peer.away) say(peer.away ? 'away' : 'back', peer);
    }
    for (const [id, peer] of before) if (!now.has(id)) say('left', peer);
    before = now;
    await wait(seconds * 1000, undefined, { signal }).catch(() => {});
  }
  return 0;
}

/** By peer id; an unknown room is an empty one. @returns undefined: interrupted */
async function peersOf(
  server: TandemServer,
  room: string,
  signal: AbortSignal,
): Promise<Map<string, Peer> | undefined> {
  try {
    return new Map((await server.peers.list(room, { signal })).map((peer) => [peer.peerId, peer]));
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof TandemError && error.code === 'room_unknown') return new Map();
    throw error;
  }
}
