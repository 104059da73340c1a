/** The server API, `/v1`: for backends, with a token of their own. Each node serves each room, as the state is in the store. */
import { ProblemDetails, registerProblems } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import { type BackendOptions, registerBackends } from './backend.ts';
import { refuseDeepBody } from './nesting.ts';
import { peerChangeRoutes } from './peer-changes.ts';
import { peerRoutes } from './peers.ts';
import type { RecordingParts } from './recording-records.ts';
import { Recording } from './recording-schemas.ts';
import { recordingRoutes } from './recordings.ts';
import { roomRoutes } from './rooms.ts';
import { Peer, Room } from './schemas.ts';

/** Of a request's body, bytes. */
const BODY_LIMIT = 16_384;

export interface ApiOptions extends BackendOptions {
  /** Default: nothing is recorded. */
  readonly recordings?: RecordingParts | undefined;
}

/** Everything under `/v1`, with hooks and errors of its own: a path without the prefix is none of its business, known or not. */
export async function registerApi(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const routes = (api: FastifyInstance, _options: object, registered: () => void) => {
    registerProblems(api);
    for (const schema of [ProblemDetails, Room, Peer, Recording]) api.addSchema(schema);
    api.addContentTypeParser(
      'application/merge-patch+json',
      { parseAs: 'string' },
      api.getDefaultJsonParser('error', 'error'),
    );
    api.addHook('onRoute', (route) => {
      route.bodyLimit ??= BODY_LIMIT;
    });
    registerBackends(api, options);
    api.addHook('preValidation', refuseDeepBody);
    roomRoutes(api, options.node);
    peerRoutes(api, options.node);
    peerChangeRoutes(api, options);
    recordingRoutes(api, options.node, options.recordings);
    registered();
  };
  await app.register(routes, { prefix: '/v1' });
}
