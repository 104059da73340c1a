/** Every setting of the edge. Keys are environment variable names. */
import { isUrl, LogLevel, listText } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';

const targets = (description: string) =>
  listText((one) => isUrl(one, 'http:'), {
    expected: 'comma-separated http:// addresses, such as http://auth:8081',
    description,
  });

export const EdgeConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'Port; 0 picks a free one.' }),
  LOG_LEVEL: LogLevel,
  CLIENT_DIR: Type.String({ description: 'Folder of the exported PWA (apps/client/out).' }),
  AUTH_TARGETS: targets('Comma-separated http:// addresses of the auth service.'),
  SIGNALING_TARGETS: targets('Comma-separated http:// addresses of the signaling nodes.'),
  HOOKS_TARGETS: Type.Optional(targets('The same of the events service. Default: there is none.')),
  MEDIA_TARGETS: Type.Optional(targets('The same of the media nodes, for streams. Default: there are none.')),
  CAPTIONS_TARGETS: Type.Optional(targets('The same of the captions service. Default: there is none.')),
  CLIENT_SETTINGS: Type.String({
    default: '{}',
    description: 'JSON object laid over the default /config.json.',
  }),
  TLS_CERT: Type.Optional(Type.String({ description: 'PEM file. With TLS_KEY: serve https.' })),
  TLS_KEY: Type.Optional(Type.String({ description: 'PEM file.' })),
});
export type EdgeConfig = Static<typeof EdgeConfig>;
