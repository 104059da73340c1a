/** Every setting of a media node. Keys are environment variable names. */
import { ConfigError } from '@tandem/service';
import { checkedText, httpUrl, isUrl } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { directorySettings, hostSettings, metricsSettings } from '../../node-kit/settings.ts';
import { RUN_DIR } from './health.ts';

/** Encoders and viewers over HTTP that a node takes where nothing else is set. */
export const HTTP_DEFAULTS = { MAX_STREAMS: 100, MAX_VIEWERS: 500 } as const;

export const MediaNodeConfig = Type.Object({
  JANUS: Type.String({
    default: 'janus',
    description: 'The engine: the folder that `npm run media:engine` prints, or a program.',
  }),
  RUN_DIR: Type.String({ default: RUN_DIR, description: 'Writable folder: settings of the engines.' }),
  MEDIA_MIN_PORT: Type.Integer({ default: 20_000, minimum: 1024, maximum: 65_535, description: 'First UDP port.' }),
  MEDIA_MAX_PORT: Type.Integer({ default: 40_000, minimum: 1024, maximum: 65_535, description: 'Last UDP port.' }),
  NODE_MBPS: Type.Optional(
    Type.Number({
      minimum: 1,
      maximum: 200_000,
      description: 'Mbit/s out at which the node is full. Default: 100 a core.',
    }),
  ),
  MAX_LEGS: Type.Integer({
    default: 400,
    minimum: 1,
    maximum: 50_000,
    description: 'Legs (two a person) at which the node is full.',
  }),
  MAX_PUBLISHERS: Type.Integer({
    default: 50,
    minimum: 2,
    maximum: 1000,
    description: 'Most people of one room that send.',
  }),
  MESH_AFTER_SECONDS: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 86_400,
    description: 'A room of two people or fewer goes back to a mesh after this time.',
  }),
  HTTP_HOST: Type.String({ default: '0.0.0.0', description: 'Address for streams over HTTP (WHIP, WHEP).' }),
  HTTP_PORT: Type.Integer({ default: 8090, minimum: 0, maximum: 65_535, description: 'Its port; 0 picks a free one.' }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    maximum: 10,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
  MAX_STREAMS: Type.Integer({
    default: HTTP_DEFAULTS.MAX_STREAMS,
    minimum: 1,
    maximum: 10_000,
    description: 'Most streams that this node takes over HTTP at once.',
  }),
  MAX_VIEWERS: Type.Integer({
    default: HTTP_DEFAULTS.MAX_VIEWERS,
    minimum: 0,
    maximum: 100_000,
    description: 'Most viewers that this node has over HTTP at once.',
  }),
  MAX_PACKAGERS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 100,
    description:
      'Most rooms that HLS is made of at once, for viewers past MAX_VIEWERS, by a packager beside this node (infra/hls-packager); each takes about half a core. 0: none.',
  }),
  HLS_DIR: Type.String({
    default: '/run/hls',
    minLength: 1,
    description: 'Folder that this node shares with the packager, and that is this node’s alone.',
  }),
  HLS_HOST: Type.String({
    default: '127.0.0.1',
    pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$',
    description:
      'IPv4 address of the packager, where this node forwards media: its own loopback, or that of a network of its own.',
  }),
  RECORDINGS: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Where recordings are kept: a folder, or `s3://BUCKET`; the same as that of signaling. Default: nothing is recorded.',
    }),
  ),
  RECORDING_PART_SECONDS: Type.Integer({
    default: 20,
    minimum: 1,
    // With what Janus has not written yet (docs/recordings.md) at most 60 s.
    maximum: 50,
    description: 'A recording is passed on this often: what is lost with a node.',
  }),
  RECORDING_MIN_FREE_MB: Type.Integer({
    default: 1024,
    minimum: 1,
    maximum: 16_777_216,
    description: 'Recordings end when RUN_DIR has less space than this.',
  }),
  JWKS_URL: Type.Optional(httpUrl('Keys of access tokens. Default: /.well-known/jwks.json of AUTH_URL.')),
  TOKEN_ISSUER: Type.String({ default: 'tandem', description: '`iss` of access tokens.' }),
  TOKEN_AUDIENCE: Type.String({ default: 'tandem', description: '`aud` of access tokens.' }),
  SIGNALING_URL: checkedText((text) => isUrl(text, 'ws:', 'wss:'), {
    expected: 'a ws: or wss: address',
    description: 'Where signaling listens, such as wss://example.org/ws/signal.',
  }),
  AUTH_URL: httpUrl('Where auth listens, such as https://example.org.'),
  MEDIA_SECRET: Type.String({
    secret: true,
    pattern: '^[A-Za-z0-9_-]{43}$',
    description: 'Shared with auth, which gives tokens with the grant `media` for it. 43 letters, digits, - and _.',
  }),
  REDIS_URL: Type.String({ description: 'The media directory.' }),
  ...directorySettings,
  DRAIN_SECONDS: Type.Integer({
    default: 300,
    minimum: 0,
    maximum: 172_800,
    description: 'Longest wait for rooms to move.',
  }),
  ...hostSettings,
  ...metricsSettings('media'),
});
export type MediaNodeConfig = Static<typeof MediaNodeConfig>;

/** Engines of one node: when one dies another takes its rooms. */
export const ENGINES = 2;

/** UDP ports that one engine may need, as the other one may have died: a leg, an encoder and a viewer take one each (BUNDLE, RTCP with RTP). */
export const portsNeeded = (config: Pick<MediaNodeConfig, 'MAX_LEGS' | 'MAX_STREAMS' | 'MAX_VIEWERS'>): number =>
  config.MAX_LEGS + config.MAX_STREAMS + config.MAX_VIEWERS;

/** First and last port of an engine. @throws ConfigError when they are fewer than what it may serve at once */
export function enginePorts(config: MediaNodeConfig, index: number): [number, number] {
  const { MEDIA_MIN_PORT: first, MEDIA_MAX_PORT: last } = config;
  const span = Math.floor((last - first + 1) / ENGINES);
  const needed = portsNeeded(config);
  if (span < needed)
    throw new ConfigError(
      `MEDIA_MAX_PORT: ${first} to ${last} gives an engine ${Math.max(0, span)} ports, and MAX_LEGS, MAX_STREAMS and MAX_VIEWERS are ${needed} together. ` +
        `Fix: ${first + ENGINES * needed - 1} or more, or lower those`,
    );
  return [first + index * span, first + (index + 1) * span - 1];
}
