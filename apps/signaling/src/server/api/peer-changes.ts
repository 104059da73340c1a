/** `/v1/rooms/{roomId}/peers/{peerId}`: what a backend lets a peer do, and where it sends it. */
import { type AccessClaims, mayEnter, PeerMetadataSchema } from '@tandem/protocol';
import { ProblemError, requireRoom, TokenError } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { type Given, givenIn, writeGiven } from '../../backplane/room-grants.ts';
import type { RoomDescription } from '../../backplane/room-settings.ts';
import { isMediaPeer, type MemberRecord } from '../../backplane/types.ts';
import type { MemberInfo } from '../../core/model.ts';
import type { SignalingNode } from '../../core/node.ts';
import { type BackendOptions, backendOf } from './backend.ts';
import { etagOfPeer, peerOf, personOf, unknownPeer } from './peers.ts';
import { Empty, MAX_PEER_METADATA_BYTES, MoveBody, PeerParams, PeerPatch, problems } from './schemas.ts';

const tags = ['peers'];

export function peerChangeRoutes(api: FastifyInstance, options: BackendOptions): void {
  changeRoute(api, options.node);
  moveRoute(api, options);
}

function changeRoute(api: FastifyInstance, node: SignalingNode): void {
  api.patch<{ Params: PeerParams; Body: PeerPatch }>(
    '/rooms/:roomId/peers/:peerId',
    {
      config: { scope: 'peers:write' },
      schema: {
        operationId: 'updatePeer',
        summary: 'Change what a peer may do in this room beside its token, and what is said of it there',
        description:
          '`metadata` is laid over what its client says of itself, field by field, and its room sees both as one; its client reads it in `grants`. With If-Match only if nothing was decided of it since that ETag. Holds for its login session in this room for a day, also when it comes again, and until the room is ended. Media that two browsers send each other already is not cut: who must not be heard is removed.',
        tags,
        consumes: ['application/merge-patch+json', 'application/json'],
        params: PeerParams,
        headers: Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 100 })) }),
        body: PeerPatch,
        response: { 204: Empty, ...problems(404, 409, 412, 413, 415) },
      },
    },
    async (request, reply) => {
      await changePeer(node, request);
      return reply.code(204).send();
    },
  );
}

/** Tries of a change, when others change the same peer at the same time. */
const MAX_TRIES = 5;

async function changePeer(
  node: SignalingNode,
  { params, body, headers }: FastifyRequest<{ Params: PeerParams; Body: PeerPatch }>,
): Promise<void> {
  const match = headers['if-match'];
  const isBound = match !== undefined && match !== '*';
  checkNames(body.metadata ?? {});
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { member, granted } = await personOf(node, params);
    if (isBound && match !== etagOfPeer(granted)) throw stale();
    const given = body.metadata === undefined ? undefined : writeGiven(patchedGiven(givenIn(granted), body.metadata));
    // Grants alone are changed in one step, whatever they were.
    const before = isBound || given !== undefined ? granted : undefined;
    const outcome = await node.admin.changeGrants(params.roomId, member, { ...body.grants, given, before });
    if (outcome === 'changed') return;
    if (outcome === 'absent') throw unknownPeer();
    if (isBound) throw stale();
  }
  throw new ProblemError(409, 'conflict', 'Others change this peer at the same time; try again.', { retryAfter: 1 });
}

const stale = () =>
  new ProblemError(412, 'etag_mismatch', 'The peer was changed since that ETag: read it again.', { field: 'if-match' });

/** What the protocol gives a meaning is said by clients and by the server. */
function checkNames(metadata: object): void {
  const taken = Object.keys(metadata).find((name) => Object.hasOwn(PeerMetadataSchema.properties, name));
  if (taken !== undefined)
    throw new ProblemError(400, 'invalid_field', `body/metadata/${taken} is the client's or the server's to say`, {
      field: `/metadata/${taken}`,
    });
}

/** @throws ProblemError 400 */
function patchedGiven(before: Given, patch: NonNullable<PeerPatch['metadata']> | null): Given {
  const merged = patch === null ? [] : Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null);
  const given = Object.fromEntries(merged);
  if (Buffer.byteLength(JSON.stringify(given)) > MAX_PEER_METADATA_BYTES)
    throw new ProblemError(400, 'invalid_field', `body/metadata: ${MAX_PEER_METADATA_BYTES} bytes as JSON at most`, {
      field: '/metadata',
    });
  return given;
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
