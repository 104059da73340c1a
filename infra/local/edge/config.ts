/** Every setting of the edge. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const EdgeConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'Port; 0 picks a free one.' }),
  LOG_LEVEL: Type.String({ default: 'info', description: 'pino level.' }),
  CLIENT_DIR: Type.String({ description: 'Folder of the exported PWA (apps/client/out).' }),
  AUTH_TARGETS: Type.String({ description: 'Comma-separated http:// addresses of the auth service.' }),
  SIGNALING_TARGETS: Type.String({ description: 'Comma-separated http:// addresses of the signaling nodes.' }),
  HOOKS_TARGETS: Type.Optional(Type.String({ description: 'The same of the events service. Default: there is none.' })),
  MEDIA_TARGETS: Type.Optional(
    Type.String({ description: 'The same of the media nodes, for streams. Default: there are none.' }),
  ),
  CLIENT_SETTINGS: Type.String({
    default: '{}',
    description: 'JSON object laid over the default /config.json.',
  }),
  TLS_CERT: Type.Optional(Type.String({ description: 'PEM file. With TLS_KEY: serve https.' })),
  TLS_KEY: Type.Optional(Type.String({ description: 'PEM file.' })),
});
export type EdgeConfig = Static<typeof EdgeConfig>;
