import type { Ban } from '@tandem/server';
import { type Command, json, number, text, UsageError } from '../command.ts';

const BANS: readonly string[] = ['none', 'login', 'user'] satisfies Ban[];
const GRANTS = ['publish', 'data', 'kick', 'invite'] as const;
const SWITCH = new Map([
  ['on', true],
  ['off', false],
  ['token', null],
]);

function switchOf(grant: string, to: string | undefined): boolean | null | undefined {
  if (to !== undefined && !SWITCH.has(to)) throw new UsageError(`--${grant} is on, off or token`);
  return to === undefined ? undefined : SWITCH.get(to);
}

/** @throws UsageError */
function fieldsOf(fields: unknown): Record<string, unknown> | null {
  if (typeof fields !== 'object' || Array.isArray(fields)) throw new UsageError('--metadata is a JSON object, or null');
  return fields as Record<string, unknown> | null;
}

const ROLES = ['moderator', 'member', 'observer'] as const;

export const PEOPLE_COMMANDS: Readonly<Record<string, Command>> = {
  'peers list': {
    summary: 'who is in a room',
    arguments: ['room'],
    async run({ connect, args: { room = '' }, out, signal }) {
      const peers = await connect().server.peers.list(room, { signal });
      out.table(
        peers.map((peer) => ({ ...peer })),
        ['peerId', 'userId', 'name', 'guest', 'away', 'joinedAt'],
      );
      return 0;
    },
  },
  'peers kick': {
    summary: 'remove a peer, and keep it out if asked',
    arguments: ['room', 'peer'],
    options: {
      ban: { type: 'string', value: 'WHO', help: 'none (default), login, or user' },
      'ban-seconds': { type: 'string', value: 'SECONDS', help: 'default 3600' },
      reason: { type: 'string', value: 'TEXT', help: 'reaches the peer' },
    },
    async run({ connect, args: { room = '', peer = '' }, options, signal }) {
      const ban = text(options, 'ban');
      if (ban !== undefined && !BANS.includes(ban)) throw new UsageError(`--ban is one of ${BANS.join(', ')}`);
      const banSeconds = number(options, 'ban-seconds', { min: 1, max: 86_400 });
      const reason = text(options, 'reason');
      await connect().server.peers.remove(room, peer, { ban: ban as Ban | undefined, banSeconds, reason, signal });
      return 0;
    },
  },
  'peers mute': {
    summary: 'ask a peer to mute',
    arguments: ['room', 'peer'],
    options: { kind: { type: 'string', value: 'KIND', help: 'audio (default) or video' } },
    async run({ connect, args: { room = '', peer = '' }, options, signal }) {
      const kind = text(options, 'kind') ?? 'audio';
      if (kind !== 'audio' && kind !== 'video') throw new UsageError('--kind is audio or video');
      await connect().server.peers.mute(room, peer, kind, { signal });
      return 0;
    },
  },
  'peers grants': {
    summary: 'change what a peer may do in the room, beside its token',
    arguments: ['room', 'peer'],
    options: Object.fromEntries(
      GRANTS.map((grant) => [grant, { type: 'string', value: 'ON', help: 'on, off, or token (as its token says)' }]),
    ),
    async run({ connect, args: { room = '', peer = '' }, options, signal }) {
      const grants = Object.fromEntries(GRANTS.map((grant) => [grant, switchOf(grant, text(options, grant))]));
      if (Object.values(grants).every((to) => to === undefined))
        throw new UsageError(`one of ${GRANTS.map((grant) => `--${grant}`).join(', ')} is missing`);
      await connect().server.peers.setGrants(room, peer, grants, { signal });
      return 0;
    },
  },
  'peers describe': {
    summary: 'say something of a peer to its room, on top of what it says of itself',
    arguments: ['room', 'peer'],
    options: { metadata: { type: 'string', value: 'JSON', help: 'an object; null takes a field away, or all' } },
    async run({ connect, args: { room = '', peer = '' }, options, signal }) {
      await connect().server.peers.update(room, peer, { metadata: fieldsOf(json(options, 'metadata')), signal });
      return 0;
    },
  },
  'peers move': {
    summary: 'send a peer to another room',
    arguments: ['room', 'peer', 'to'],
    options: { token: { type: 'string', value: 'TOKEN', help: 'of that user for that room; default: its own' } },
    async run({ connect, args: { room = '', peer = '', to = '' }, options, signal }) {
      await connect().server.peers.move(room, peer, { to, token: text(options, 'token'), signal });
      return 0;
    },
  },
  'tokens create': {
    summary: 'a token for a user',
    options: {
      user: { type: 'string', value: 'ID', help: 'your id of the user' },
      name: { type: 'string', value: 'TEXT', help: 'display name' },
      room: { type: 'string', value: 'ROOM', help: 'the one room; default: all of the API key' },
      role: { type: 'string', value: 'ROLE', help: 'moderator, member (default) or observer' },
      ttl: { type: 'string', value: 'SECONDS', help: 'life of the login session' },
    },
    async run({ connect, options, out, signal }) {
      const userId = text(options, 'user');
      if (!userId) throw new UsageError('--user is missing');
      const role = ROLES.find((one) => one === options.role);
      if (options.role !== undefined && !role) throw new UsageError(`--role is one of ${ROLES.join(', ')}`);
      const roomId = text(options, 'room');
      const ttlSeconds = number(options, 'ttl', { min: 60, max: 86_400 });
      const request = { userId, name: text(options, 'name'), roomId, role, ttlSeconds };
      const token = await connect().server.tokens.create(request, { signal });
      // The token alone can be piped.
      if (out.isJson) out.show(token);
      else out.line(token.token);
      return 0;
    },
  },
};
