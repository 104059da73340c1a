/** `/v1/rooms/{roomId}/peers/{peerId}`: what a backend lets a peer do, and where it sends it. */
import { type AccessClaims, mayEnter } from '@tandem/protocol';
import { ProblemError, requireRoom, TokenError } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import type { RoomDescription } from '../../backplane/room-settings.ts';
import { isMediaPeer, type MemberRecord } from '../../backplane/types.ts';
import type { MemberInfo } from '../../core/model.ts';
import type { SignalingNode } from '../../core/node.ts';
import { type BackendOptions, backendOf } from './backend.ts';
import { peerOf } from './peers.ts';
import { Empty, MoveBody, PeerParams, PeerPatch, problems } from './schemas.ts';

const tags = ['peers'];

export function peerChangeRoutes(api: FastifyInstance, options: BackendOptions): void {
  grantsRoute(api, options.node);
  moveRoute(api, options);
}

function grantsRoute(api: FastifyInstance, node: SignalingNode): void {
  api.patch<{ Params: PeerParams; Body: PeerPatch }>(
    '/rooms/:roomId/peers/:peerId',
    {
      config: { scope: 'peers:write' },
      schema: {
        operationId: 'updatePeer',
        summary: 'Change what a peer may do in this room, beside its token',
        description:
          'Holds for its login session in this room for a day, also when it comes again, and until the room is ended. Media that two browsers send each other already is not cut: who must not be heard is removed.',
        tags,
        consumes: ['application/merge-patch+json', 'application/json'],
        params: PeerParams,
        body: PeerPatch,
        response: { 204: Empty, ...problems(404, 413, 415) },
      },
    },
    async ({ params, body: { grants } }, reply) => {
      const peer = await peerOf(node, params);
      if (!(await node.admin.changeGrants(params.roomId, peer, grants))) throw unknownPeer();
      return reply.code(204).send();
    },
  );
}

function moveRoute(api: FastifyInstance, options: BackendOptions): void {
  const { node } = options;
  api.post<{ Params: PeerParams; Body: MoveBody }>(
    '/rooms/:roomId/peers/:peerId/move',
    {
      config: { scope: 'peers:write' },
      schema: {
        operationId: 'movePeer',
        summary: 'Send a peer to another room',
        description:
          'It leaves this room (close code 4003). Its client hears the server message `move` with `roomId` and `token` before, and enters there: a lock does not bind it for a minute, a ban and the size of that room do.',
        tags,
        params: PeerParams,
        body: MoveBody,
        response: { 204: Empty, ...problems(404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const { roomId: to, token } = body;
      requireRoom(backendOf(request), to, 'roomId');
      if (to === params.roomId)
        throw new ProblemError(400, 'invalid_field', 'body/roomId is the room that it is in', { field: '/roomId' });
      const peer = await peerOf(node, params);
      if (peer.awayFor > 0)
        throw new ProblemError(409, 'peer_away', 'Its connection is lost: it would not hear where to go.');
      const info = JSON.parse(peer.info) as MemberInfo;
      const loginSession = token === undefined ? info.loginSession : await loginOf(options, { token, to, info });
      await checkPlaces(node, to, peer);
      const data = { roomId: to, ...(token === undefined ? {} : { token }) };
      await node.admin.movePeer(params.roomId, peer, { to, loginSession, data });
      return reply.code(204).send();
    },
  );
}

const unknownPeer = () =>
  new ProblemError(404, 'peer_unknown', 'There is no such peer in that room.', { field: '/peerId' });

interface NewToken {
  readonly token: string;
  readonly to: string;
  readonly info: MemberInfo;
}

/** @returns the login session of a token that is good for this move. @throws ProblemError 400, 503 */
async function loginOf({ verifier, revocations }: BackendOptions, { token, to, info }: NewToken): Promise<string> {
  const refuse = (why: string) => new ProblemError(400, 'invalid_field', `body/token ${why}`, { field: '/token' });
  let claims: AccessClaims;
  try {
    claims = await verifier.verify(token);
  } catch (error) {
    if (error instanceof TokenError) throw refuse('does not hold');
    throw error;
  }
  if (revocations.isRevoked(claims)) throw refuse('was revoked');
  if (claims.sub !== info.userId || claims.guest === true || info.guest !== undefined)
    throw refuse('is of another user than the peer');
  if (!mayEnter(claims.grants, to)) throw refuse('does not grant that room');
  return claims.session_id;
}

/** A move into a room that would refuse it must not put it out of this one. Its join decides. @throws ProblemError 409 */
async function checkPlaces(node: SignalingNode, to: string, peer: MemberRecord): Promise<void> {
  const [room] = await node.backplane.describeRooms([to]);
  const refuse = (code: string, why: string) => new ProblemError(409, code, why, { field: '/roomId' });
  const rules = room?.settings?.rules;
  if (!rules && node.settings.createdRoomsOnly) throw refuse('room_unknown', 'That room has to be created first.');
  if (rules && rules.closesAt > 0 && rules.closesAt <= Date.now())
    throw refuse('room_over', 'That room takes no new people any more.');
  const most = Math.min(rules?.maxPeers || Infinity, node.settings.maxRoomSize);
  if (room && people(room, peer.peerId) >= most) throw refuse('room_full', 'That room has reached its size.');
}

const people = ({ peerIds }: RoomDescription, without: string) =>
  peerIds.filter((peerId) => !isMediaPeer(peerId) && peerId !== without).length;
