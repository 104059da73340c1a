/** Every setting of a media node. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const MediaNodeConfig = Type.Object({
  JANUS: Type.String({
    default: 'janus',
    description: 'The engine: the folder that `npm run media:engine` prints, or a program.',
  }),
  RUN_DIR: Type.String({ default: '/run/media', description: 'Writable folder: settings of the engines.' }),
  MEDIA_MIN_PORT: Type.Integer({ default: 20_000, minimum: 1024, maximum: 65_535, description: 'First UDP port.' }),
  MEDIA_MAX_PORT: Type.Integer({ default: 40_000, minimum: 1024, maximum: 65_535, description: 'Last UDP port.' }),
  MAX_LEGS: Type.Integer({
    default: 400,
    minimum: 1,
    description: 'Legs (two a person) at which the node is full.',
  }),
  MAX_PUBLISHERS: Type.Integer({ default: 50, minimum: 2, description: 'Most people of one room that send.' }),
  MESH_AFTER_SECONDS: Type.Integer({
    default: 20,
    minimum: 1,
    description: 'A room of two people or fewer goes back to a mesh after this time.',
  }),
  SIGNALING_URL: Type.String({ description: 'Where signaling listens, such as wss://example.org/ws/signal.' }),
  AUTH_URL: Type.String({ description: 'Where auth listens, such as https://example.org.' }),
  MEDIA_API_KEY: Type.String({
    secret: true,
    description: 'API key of auth for users `media-*` with the grant `media`.',
  }),
  REDIS_URL: Type.String({ description: 'The media directory.' }),
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
  DRAIN_SECONDS: Type.Integer({ default: 300, minimum: 0, description: 'Longest wait for rooms to move.' }),
  NODE_ID: Type.Optional(Type.String({ maxLength: 64, description: 'Name of the node. Default: PUBLIC_IP.' })),
  PUBLIC_IP: Type.String({ description: 'Address that clients reach. Not a loopback one.' }),
  PRIVATE_IP: Type.Optional(Type.String({ description: 'Address to gather candidates on. Default: PUBLIC_IP.' })),
  ZONE: Type.String({ default: 'local', description: 'Availability zone.' }),
});
export type MediaNodeConfig = Static<typeof MediaNodeConfig>;
