/** Every setting of the signaling service. Keys are environment variable names. */
import { httpUrl, isOrigin, LogLevel, listText, TelemetrySettings } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { DEFAULT_SETTINGS } from './core/settings.ts';

/** Up to a day. */
const ms = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 0, maximum: 86_400_000, description });
/** Up to what no node reaches: a slip of a digit is seen at start, and the benches can still switch a limit off. */
const count = (value: number, description: string, maximum = 1_000_000) =>
  Type.Integer({ default: value, minimum: 1, maximum, description });

export const SignalingConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({
    default: 8080,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 picks a free one.',
  }),
  NODE_NAME: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      description: 'Unique name of this node. Default: host name and a random part.',
    }),
  ),
  LOG_LEVEL: LogLevel,
  REDIS_URL: Type.Optional(
    Type.String({ description: 'See packages/service/src/redis.ts. Unset: memory backplane, one node.' }),
  ),
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
  JWKS_URL: httpUrl('Where auth publishes its keys, e.g. http://auth:8081/.well-known/jwks.json'),
  TOKEN_ISSUER: Type.String({ description: '`iss` that access tokens must carry.' }),
  TOKEN_AUDIENCE: Type.String({ description: '`aud` that access tokens must carry.' }),
  ALLOWED_ORIGINS: listText((one) => one === '*' || isOrigin(one.replace(/\/$/, '')), {
    default: '',
    expected: 'origins such as https://app.example.com, or *',
    description: 'Comma-separated browser origins; empty allows same-host only; * allows all.',
  }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    maximum: 10,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
  GRACE_MS: ms(DEFAULT_SETTINGS.grace, 'How long a session survives after its socket closes, ms.'),
  HEARTBEAT_MS: Type.Integer({
    default: DEFAULT_SETTINGS.heartbeatInterval,
    minimum: 1000,
    maximum: DEFAULT_SETTINGS.heartbeatInterval,
    description: 'Interval of pings, ms; below every idle timeout on the way (ALB and CloudFront: 60 s).',
  }),
  MAX_FRAME_BYTES: count(DEFAULT_SETTINGS.maxFrameBytes, 'Largest frame; a token may lower it.', 16_777_216),
  MAX_ROOM_SIZE: count(
    DEFAULT_SETTINGS.maxRoomSize,
    'Members of a room, its audience not counted; a token may lower it.',
    10_000,
  ),
  MAX_AUDIENCE: count(
    DEFAULT_SETTINGS.maxAudience,
    'Members of a room who only receive (tokens without the grant `publish`), beside `MAX_ROOM_SIZE`.',
    100_000,
  ),
  CREATE_ROOMS: Type.Enum(['anyone', 'api'], {
    default: 'anyone',
    description:
      'Whose word makes a room: `anyone` who joins it, or only the server API (`api`; others get room_unknown).',
  }),
  EVENTS: Type.Boolean({
    default: false,
    description:
      'Every change of a room is also an event in Redis, for webhooks and GET /v1/events (docs/events.md). The same on all nodes.',
  }),
  MEDIA_FROM: Type.Integer({
    default: 5,
    minimum: 0,
    maximum: 10_000,
    description: 'People in a room from which a media node serves it, where there is one; 0: never.',
  }),
  RECORDINGS: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Where recordings are kept: a folder, or `s3://BUCKET`; the same as that of media nodes. Default: nothing is recorded.',
    }),
  ),
  MESSAGES_PER_SECOND: count(
    DEFAULT_SETTINGS.messagesPerSecond,
    'Sustained, of one connection; bursts of three seconds pass.',
  ),
  USER_MESSAGES_PER_SECOND: count(
    DEFAULT_SETTINGS.userMessagesPerSecond,
    'Sustained, over all connections of one user on this node.',
  ),
  BYTES_PER_SECOND: count(
    DEFAULT_SETTINGS.bytesPerSecond,
    'Sustained, of one connection in frames of any kind; bursts of two seconds pass.',
    1_000_000_000,
  ),
  USER_FAN_OUT_BYTES_PER_SECOND: count(
    DEFAULT_SETTINGS.userFanOutBytesPerSecond,
    'Sustained, what the messages of one user make this node send; a broadcast counts for each receiver.',
    10_000_000_000,
  ),
  MAX_FAULTS: count(
    DEFAULT_SETTINGS.maxFaults,
    'Malformed or refused messages in ten seconds before the socket is closed (4006).',
  ),
  MAX_BUFFERED_BYTES: count(
    1_048_576,
    'Unsent bytes of one connection before it is closed as slow (4007).',
    1_073_741_824,
  ),
  MAX_CONNECTIONS: count(20_000, 'Connections of this node; more get 503.'),
  MAX_HANDSHAKES: count(500, 'New connections whose token is being checked at once; more get 503.'),
  MAX_MEMORY_BYTES: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 17_592_186_044_416,
      description:
        'Resident memory above which new connections get 503. Default: 80 % of what the container, or else the machine, has.',
    }),
  ),
  MAX_EVENT_LOOP_DELAY_MS: count(200, 'Event-loop delay above which new connections are shed with 503.', 60_000),
  CONNECTIONS_PER_IP: count(500, 'Open at once from one address (IPv6: one /64).'),
  CONNECTIONS_PER_IP_PER_SECOND: count(50, 'New ones from one address; bursts of three seconds pass. More get 429.'),
  SESSIONS_PER_USER: count(
    DEFAULT_SETTINGS.sessionsPerUser,
    'Of one user: sessions in rooms over all nodes (more: too_many_sessions), open sockets on each node (more: 429).',
  ),
  CONNECTIONS_PER_USER_PER_SECOND: count(
    5,
    'New ones of one user on this node; bursts of three seconds pass. More: 429.',
  ),
  API_REQUESTS_PER_SECOND: count(
    50,
    'Requests to the server API (/v1) with one API key, on this node; bursts of three seconds pass. More get 429.',
  ),
  BEAT_MS: count(DEFAULT_SETTINGS.beatInterval, 'Interval in which this node reports itself alive, ms.', 60_000),
  NODE_TIMEOUT_MS: count(
    DEFAULT_SETTINGS.nodeTimeout,
    'Silence after which a node is dead and its peers become away, ms.',
    600_000,
  ),
  SWEEP_MS: count(
    DEFAULT_SETTINGS.sweepInterval,
    'Interval in which every room is compared with the store, ms.',
    3_600_000,
  ),
  DEREGISTRATION_SECONDS: Type.Integer({
    default: 120,
    minimum: 0,
    maximum: 3600,
    description:
      'On ECS: how long the load balancer keeps the sockets of a task that is to go, s. The task asks ECS every quarter of it, or every 30 s, whether it is.',
  }),
  RECONNECT_WITHIN_MS: ms(10_000, 'On SIGTERM clients move to another node at a random moment within this time, ms.'),
  ...TelemetrySettings,
});
export type SignalingConfig = Static<typeof SignalingConfig>;
