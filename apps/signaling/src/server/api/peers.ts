/** `/v1/rooms/{roomId}/peers` and `/messages`: who is in a room, and what a backend does to and tells them. */
import type { PeerMetadata } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { decidedIn, givenIn, type RoomGrants } from '../../backplane/room-grants.ts';
import { isMediaPeer, type MemberRecord } from '../../backplane/types.ts';
import type { MemberInfo } from '../../core/model.ts';
import type { SignalingNode } from '../../core/node.ts';
import { withoutGiven } from '../../core/rooms/grants.ts';
import { sha256 } from './room-document.ts';
import { describe } from './rooms.ts';
import {
  Empty,
  MAX_BAN_SECONDS,
  MessageAnswer,
  MessageBody,
  MuteBody,
  type Peer,
  PeerList,
  PeerParams,
  problems,
  RemoveQuery,
  RoomParams,
} from './schemas.ts';

const MAX_DATA_BYTES = 8192;
const DEFAULT_BAN_SECONDS = 3600;
const tags = ['peers'];

export function peerRoutes(api: FastifyInstance, node: SignalingNode): void {
  readRoutes(api, node);
  removeRoute(api, node);
  muteRoute(api, node);
  messageRoute(api, node);
}

/** A peer, and what is decided of it in its room. */
interface Person {
  readonly member: MemberRecord;
  readonly granted: RoomGrants;
}

async function peopleIn(node: SignalingNode, roomId: string): Promise<readonly Person[]> {
  const { members, granted } = await node.admin.read(roomId);
  return members
    .filter(({ peerId }) => !isMediaPeer(peerId))
    .map((member) => ({ member, granted: granted.get(infoOf(member).loginSession) ?? '' }));
}

/** @throws ProblemError 404 */
async function peopleOf(node: SignalingNode, roomId: string): Promise<readonly Person[]> {
  const people = await peopleIn(node, roomId);
  if (people.length === 0) await describe(node.backplane, roomId);
  return people;
}

/** @throws ProblemError 404 */
export async function personOf(node: SignalingNode, { roomId, peerId }: PeerParams): Promise<Person> {
  const found = (await peopleIn(node, roomId)).find(({ member }) => member.peerId === peerId);
  if (!found) throw unknownPeer();
  return found;
}

export const unknownPeer = () =>
  new ProblemError(404, 'peer_unknown', 'There is no such peer in that room.', { field: '/peerId' });

/** @throws ProblemError 404 */
export async function peerOf(node: SignalingNode, params: PeerParams): Promise<MemberRecord> {
  return (await personOf(node, params)).member;
}

/** `ETag` of what backends and moderators decided of a peer: what its client says leaves it as it is. */
export const etagOfPeer = (granted: RoomGrants) => `"${granted === '' ? '0' : sha256(granted).slice(0, 22)}"`;

function readRoutes(api: FastifyInstance, node: SignalingNode): void {
  api.get<{ Params: RoomParams }>(
    '/rooms/:roomId/peers',
    {
      config: { scope: 'peers:read' },
      schema: {
        operationId: 'listPeers',
        summary: 'Who is in a room',
        tags,
        params: RoomParams,
        response: { 200: PeerList, ...problems(404) },
      },
    },
    async ({ params: { roomId } }) => ({ peers: (await peopleOf(node, roomId)).map(represent) }),
  );

  api.get<{ Params: PeerParams }>(
    '/rooms/:roomId/peers/:peerId',
    {
      config: { scope: 'peers:read' },
      schema: {
        operationId: 'getPeer',
        summary: 'Look at a peer',
        description: '`ETag` is that of what was decided of it: what its client says leaves it as it is.',
        tags,
        params: PeerParams,
        response: { 200: Type.Ref('Peer#'), ...problems(404) },
      },
    },
    async ({ params }, reply) => {
      const person = await personOf(node, params);
      return reply.header('etag', etagOfPeer(person.granted)).send(represent(person));
    },
  );
}

function removeRoute(api: FastifyInstance, node: SignalingNode): void {
  api.delete<{ Params: PeerParams; Querystring: RemoveQuery }>(
    '/rooms/:roomId/peers/:peerId',
    {
      config: { scope: 'peers:write' },
      schema: {
        operationId: 'removePeer',
        summary: 'Remove a peer (close code 4003), and keep it out if asked',
        tags,
        params: PeerParams,
        querystring: RemoveQuery,
        response: { 204: Empty, ...problems(404) },
      },
    },
    async ({ params, query }, reply) => {
      const seconds = Number(query.banSeconds ?? DEFAULT_BAN_SECONDS);
      if (seconds > MAX_BAN_SECONDS)
        throw new ProblemError(400, 'invalid_field', `querystring/banSeconds: ${MAX_BAN_SECONDS} at most`, {
          field: '/banSeconds',
        });
      const ban = query.ban === undefined || query.ban === 'none' ? undefined : { of: query.ban, ms: seconds * 1000 };
      await node.admin.removePeer(params.roomId, await peerOf(node, params), { reason: query.reason, ban });
      return reply.code(204).send();
    },
  );
}

function muteRoute(api: FastifyInstance, node: SignalingNode): void {
  api.post<{ Params: PeerParams; Body: MuteBody }>(
    '/rooms/:roomId/peers/:peerId/mute',
    {
      config: { scope: 'peers:write' },
      schema: {
        operationId: 'mutePeer',
        summary: 'Ask a peer to mute its microphone or camera',
        description: 'Its program does so, and the person may turn it on again. Who must not be heard is removed.',
        tags,
        params: PeerParams,
        body: MuteBody,
        response: { 204: Empty, ...problems(404, 413, 415) },
      },
    },
    async ({ params, body: { kind } }, reply) => {
      const peer = await peerOf(node, params);
      // No moderator asked: clients of every version take the peer's own id.
      node.admin.send([peer], { type: 'mute_requested', peerId: peer.peerId, kind });
      return reply.code(204).send();
    },
  );
}

function messageRoute(api: FastifyInstance, node: SignalingNode): void {
  api.post<{ Params: RoomParams; Body: MessageBody }>(
    '/rooms/:roomId/messages',
    {
      config: { scope: 'messages:write' },
      schema: {
        operationId: 'sendMessage',
        summary: 'Send peers a message: they receive `server_message`',
        description: 'Not kept for those who come later. A request that is repeated is sent again.',
        tags: ['messages'],
        params: RoomParams,
        body: MessageBody,
        response: { 200: MessageAnswer, ...problems(404, 413, 415) },
      },
    },
    async ({ params: { roomId }, body: { topic, data, peerIds, userIds } }) => {
      if (Buffer.byteLength(JSON.stringify(data ?? null)) > MAX_DATA_BYTES)
        throw new ProblemError(400, 'invalid_field', `body/data may have ${MAX_DATA_BYTES} bytes as JSON`, {
          field: '/data',
        });
      const isAddressed = ({ member }: Person) =>
        (peerIds === undefined && userIds === undefined) ||
        peerIds?.includes(member.peerId) ||
        userIds?.includes(infoOf(member).userId);
      const recipients = (await peopleOf(node, roomId)).filter(isAddressed).map(({ member }) => member);
      node.admin.send(recipients, { type: 'server_message', topic, data: data ?? null });
      return { recipients: recipients.length };
    },
  );
}

const infoOf = ({ info }: MemberRecord) => JSON.parse(info) as MemberInfo;

/** What its room sees of it. Its node writes what was decided a moment later: a backend reads its own word at once. */
function shownOf({ metadata, given: before = [] }: MemberInfo, granted: RoomGrants): PeerMetadata | undefined {
  const given = givenIn(granted);
  const names = Object.keys(given);
  const said = withoutGiven(metadata, ['fromBackend', ...before]);
  return names.length === 0 ? said : { ...said, ...given, fromBackend: names };
}

function represent({ member, granted }: Person): Peer {
  const info = infoOf(member);
  const { userId, name, guest, joinedAt } = info;
  const metadata = shownOf(info, granted);
  const grants = decidedIn(granted);
  return {
    peerId: member.peerId,
    userId,
    guest: guest !== undefined,
    away: member.awayFor > 0,
    ...(joinedAt === undefined ? {} : { joinedAt: new Date(joinedAt).toISOString() }),
    ...(name === undefined ? {} : { name }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(Object.keys(grants).length === 0 ? {} : { grants }),
  };
}
