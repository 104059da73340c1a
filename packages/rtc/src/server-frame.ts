/**
 * The border of the SDK towards the server: a frame is read here, once. One that breaks the contract is dropped as a whole, so the rest of
 * the SDK may use its fields as they are typed. What a peer put into a frame is read by peer-input.ts.
 */
import { isObject } from './peer-input.ts';
import type { Frame, Heartbeat, ServerLimits } from './wire.ts';

/** What the server says in its frames. Lists of peers and `media` are read where they are used. */
export interface ServerFrame extends Frame {
  readonly peerId?: string;
  readonly roomId?: string;
  readonly sessionToken?: string;
  readonly node?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly message?: string;
  readonly replyTo?: string;
  readonly field?: string;
  readonly kind?: string;
  readonly entry?: string;
  readonly share?: unknown;
  readonly chat?: unknown;
  readonly look?: unknown;
  readonly publish?: unknown;
  readonly kick?: unknown;
  readonly count?: number;
  readonly names?: unknown;
  readonly topic?: string;
  readonly data?: unknown;
  readonly id?: number;
  readonly base?: number;
  readonly ref?: number;
  readonly version?: number;
  readonly retryAfter?: number;
  readonly reconnectWithin?: number;
  readonly tokenExpiresInMs?: number;
  readonly limits?: ServerLimits;
  readonly heartbeat?: Heartbeat;
}

const STRINGS = [
  'peerId',
  'roomId',
  'sessionToken',
  'node',
  'reason',
  'code',
  'message',
  'replyTo',
  'field',
  'kind',
  'entry',
  'topic',
];
const NUMBERS = ['id', 'base', 'ref', 'count', 'version', 'retryAfter', 'reconnectWithin', 'tokenExpiresInMs'];
/** Objects of numbers. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  limits: ['maxFrameBytes', 'maxRoomSize', 'messagesPerSecond', 'graceSeconds'],
  heartbeat: ['interval', 'timeout'],
};
/** Fields without which a frame of that type says nothing. */
const REQUIRED: Readonly<Record<string, string>> = {
  entry: 'entry',
  joined: 'roomId',
  mute_requested: 'peerId',
  server_message: 'topic',
};

type Fields = Readonly<Record<string, unknown>>;

const areAll = (type: 'string' | 'number', fields: Fields, names: readonly string[]) =>
  names.every((name) => fields[name] === undefined || typeof fields[name] === type);
const isGroup = (value: unknown, names: readonly string[]) =>
  value === undefined || (isObject(value) && areAll('number', value, names));

/** @returns undefined for what is no frame of the contract; never throws */
export function readServerFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  let frame: unknown;
  try {
    frame = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!isObject(frame) || typeof frame.type !== 'string') return undefined;
  const required = Object.hasOwn(REQUIRED, frame.type) ? frame[REQUIRED[frame.type] as string] : frame.type;
  const isOfContract =
    required !== undefined &&
    areAll('string', frame, STRINGS) &&
    areAll('number', frame, NUMBERS) &&
    Object.entries(GROUPS).every(([name, numbers]) => isGroup(frame[name], numbers));
  return isOfContract ? (frame as ServerFrame) : undefined;
}
