/**
 * The border of the SDK towards other participants: every value that a peer chose is read here, once, and nowhere else.
 * A reader never throws, gives back only fields that this SDK knows, in the type and bounds it expects, and gives
 * undefined for what cannot be used. The server relays most of this unread, so none of it can be taken on trust.
 */
import { displayName } from '@tandem/protocol/names';
import type { RemoteView } from './quality.ts';
import type { PeerMetadata, WireCandidate, WireDescription } from './wire.ts';

/** On the data channel (as text) and inside the signaling message `message` (as an object) alike. */
export type PeerMessage =
  | { tandem: 'chat'; id: string; text: string; at: number; private?: true }
  /** A client that has just joined asks for the chat before it came; the answer has the same id. */
  | { tandem: 'history-ask'; id: string }
  | { tandem: 'history'; id: string; lines: readonly HistoryLine[] }
  | FileOffer
  | FilePart
  | FileState
  | { tandem: 'reaction'; emoji: string }
  | { tandem: 'data'; id: string; data: unknown }
  | { tandem: 'quality'; view: RemoteView }
  /** The tallest picture that the sender wants of the receiver's camera, in lines; 0: none. */
  | { tandem: 'want'; video: number }
  | { tandem: 'ack'; id: string }
  /** Of what came by one message to the whole room. */
  | { tandem: 'acks'; ids: readonly string[] };

/** A chat line as somebody remembers it. */
export interface HistoryLine {
  readonly id: string;
  /** Who said it, fit to be shown. */
  readonly name: string;
  readonly text: string;
  /** ms since the epoch. */
  readonly at: number;
}
/** A file begins. */
export interface FileOffer {
  readonly tandem: 'file';
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}
/** The next bytes of it. */
export interface FilePart {
  readonly tandem: 'file-part';
  readonly id: string;
  /** Counts from 0. */
  readonly n: number;
  /** Base64 of up to `MAX_PART_BYTES`. */
  readonly data: string;
}

/** What became of a file, said by who receives it: it is taken, it is here, or it is not taken (any more). */
export interface FileState {
  readonly tandem: 'file-state';
  readonly id: string;
  readonly state: 'begun' | 'whole' | 'dropped';
}

/** Lines that a client remembers and tells. */
export const MAX_HISTORY_LINES = 200;
/** Largest file, in bytes. */
export const MAX_FILE_BYTES = 5 * 1024 * 1024;
/** Bytes of one part: with base64 and its frame it stays far below what every browser takes in one message (RFC 8831 section 6.6: 64 KiB). */
export const MAX_PART_BYTES = 24 * 1024;
/** Longest name of a file, in UTF-16 units; file systems take 255 bytes. */
const MAX_FILE_NAME_LENGTH = 80;
/** Longest chat message, in UTF-16 units. What is longer is cut at its receiver. */
export const MAX_CHAT_LENGTH = 4000;
/** Longest message on the data channel, in UTF-16 units: what the server takes for one frame (64 KiB), so that both ways carry the same. */
const MAX_MESSAGE_LENGTH = 65_536;
/** Messages that one `acks` acknowledges. */
export const MAX_ACKS = 64;
/** Our own ids have 18 characters. */
const MAX_ID_LENGTH = 64;
/** The longest emoji sequences of Unicode have 15 UTF-16 units; apps also send words. */
const MAX_EMOJI_LENGTH = 32;
/** A session description of three media sections has 5 to 10 kB; a frame of the server 64 KiB. */
const MAX_SDP_LENGTH = 65_536;
/** RFC 8839 section 5.1 candidates have about 100 to 200 characters. */
const MAX_CANDIDATE_LENGTH = 2048;
/** RFC 8839 section 5.4: an ice-ufrag has at most 256 characters. A mid is a token without a bound; browsers use one or two characters. */
const MAX_TOKEN_LENGTH = 256;
/** Far more rebuilds or offers than a call has; beyond it a counter could not be counted up any more. */
const MAX_COUNTER = 1_000_000_000;
/** Lines of the tallest picture there is (8K UHD, ITU-R BT.2020). */
export const MAX_LINES = 4320;
/** A clock further from mine than this is wrong, ms. */
const MAX_CLOCK_SKEW_MS = 86_400_000;

const MAX_PART_BASE64 = Math.ceil(MAX_PART_BYTES / 3) * 4;

type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown, max: number): value is string => typeof value === 'string' && value.length <= max;
const id = (value: unknown): value is string => text(value, MAX_ID_LENGTH) && value !== '';
const number = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && value >= min && value <= max;
const counter = (value: unknown): value is number => Number.isInteger(value) && number(value, 0, MAX_COUNTER);

/** Cut to at most `max` UTF-16 units, without leaving half a character. */
function cut(value: string, max: number): string {
  if (value.length <= max) return value;
  const half = /[\uD800-\uDBFF]/.test(value.charAt(max - 1));
  return value.slice(0, half ? max - 1 : max);
}

/**
 * A message of a peer, by its data channel (text) or by signaling (object).
 * @param now my own clock, ms since the epoch
 * @returns undefined when it is not one of ours, or not usable
 */
export function readPeerMessage(raw: unknown, now: number): PeerMessage | undefined {
  const message = typeof raw === 'string' ? parse(raw) : raw;
  if (!isObject(message)) return undefined;
  const { tandem } = message;
  switch (tandem) {
    case 'chat': {
      if (!id(message.id) || typeof message.text !== 'string') return undefined;
      const at = number(message.at, now - MAX_CLOCK_SKEW_MS, now + MAX_CLOCK_SKEW_MS) ? message.at : now;
      const line = { tandem, id: message.id, text: cut(message.text, MAX_CHAT_LENGTH), at };
      return message.private === true ? { ...line, private: true } : line;
    }
    case 'reaction':
      return text(message.emoji, MAX_EMOJI_LENGTH) && message.emoji !== ''
        ? { tandem, emoji: message.emoji }
        : undefined;
    case 'data':
      return id(message.id) ? { tandem, id: message.id, data: message.data } : undefined;
    case 'history-ask':
      return id(message.id) ? { tandem, id: message.id } : undefined;
    case 'history':
      return id(message.id) ? { tandem, id: message.id, lines: readHistory(message.lines, now) } : undefined;
    case 'file': {
      const name = readFileName(message.name);
      const { size } = message;
      return id(message.id) && name !== undefined && Number.isInteger(size) && number(size, 1, MAX_FILE_BYTES)
        ? { tandem, id: message.id, name, size }
        : undefined;
    }
    case 'file-part':
      return id(message.id) && counter(message.n) && text(message.data, MAX_PART_BASE64)
        ? { tandem, id: message.id, n: message.n, data: message.data }
        : undefined;
    case 'file-state': {
      const { state } = message;
      return id(message.id) && (state === 'begun' || state === 'whole' || state === 'dropped')
        ? { tandem, id: message.id, state }
        : undefined;
    }
    case 'quality':
      return { tandem, view: readRemoteView(message.view) };
    case 'want':
      return Number.isInteger(message.video) && number(message.video, 0, MAX_LINES)
        ? { tandem, video: message.video as number }
        : undefined;
    case 'ack':
      return id(message.id) ? { tandem, id: message.id } : undefined;
    case 'acks':
      return Array.isArray(message.ids) ? { tandem, ids: message.ids.slice(0, MAX_ACKS).filter(id) } : undefined;
    default:
      return undefined;
  }
}

/** Did it come by one message to the whole room? Then its sender waits for `acks`. */
export const isToRoom = (raw: unknown): boolean => isObject(raw) && raw.room === true;

/** Is it a message of this SDK's format, usable or not? Then it is no app data either. */
export function isPeerMessage(raw: unknown): boolean {
  const message = typeof raw === 'string' ? parse(raw) : raw;
  return isObject(message) && typeof message.tandem === 'string';
}

function parse(raw: string): unknown {
  if (raw.length > MAX_MESSAGE_LENGTH) return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** Lines as a peer remembers them: the last ones, each read like a line of its own. */
function readHistory(value: unknown, now: number): HistoryLine[] {
  if (!Array.isArray(value)) return [];
  return value.slice(-MAX_HISTORY_LINES).flatMap((line: unknown) => {
    if (!isObject(line) || !id(line.id) || typeof line.text !== 'string') return [];
    const name = typeof line.name === 'string' ? displayName(line.name) : '';
    const at = number(line.at, now - MAX_CLOCK_SKEW_MS, now + MAX_CLOCK_SKEW_MS) ? line.at : now;
    return [{ id: line.id, name, text: cut(line.text, MAX_CHAT_LENGTH), at }];
  });
}

/** A file's name that can be shown and saved: no path, no direction characters, no dots before it. Undefined when nothing is left. */
export function readFileName(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_MESSAGE_LENGTH) return undefined;
  const last = value.split(/[\\/]/u).at(-1) ?? '';
  const plain = last
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>:"|?*]/gu, '')
    .replace(/^[.\s]+/u, '')
    .trim();
  if (plain.length <= MAX_FILE_NAME_LENGTH) return plain || undefined;
  // The end says what it is.
  const [ending = ''] = /\.[A-Za-z0-9]{1,8}$/u.exec(plain) ?? [];
  return cut(plain, MAX_FILE_NAME_LENGTH - ending.length) + ending;
}

/** Upper bounds: MOS by ITU-T P.800, a share, a minute, a screen of 1000 Hz, 10 Gbit/s. */
const VIEW_BOUNDS = { mos: 5, loss: 1, jitter: 60_000, fps: 1000, bitrate: 1e10 } as const;

function readRemoteView(value: unknown): RemoteView {
  const fields: Fields = isObject(value) ? value : {};
  const view: { -readonly [K in keyof RemoteView]: RemoteView[K] } = {};
  for (const key of Object.keys(VIEW_BOUNDS) as (keyof typeof VIEW_BOUNDS)[]) {
    const figure = fields[key];
    if (number(figure, 0, VIEW_BOUNDS[key])) view[key] = figure;
  }
  return view;
}

/** What a peer says of itself; its name fit to be shown. Fields of the app's own are kept as they are: the app reads them with the same care. */
export function readMetadata(value: unknown): PeerMetadata {
  if (!isObject(value)) return {};
  const { name, audio, video, screen, hand, handAt, ...others } = value;
  const now = Date.now();
  return {
    ...others,
    ...(typeof name === 'string' ? { name: displayName(name) } : {}),
    ...(typeof audio === 'boolean' ? { audio } : {}),
    ...(typeof video === 'boolean' ? { video } : {}),
    ...(typeof screen === 'boolean' ? { screen } : {}),
    ...(typeof hand === 'boolean' ? { hand } : {}),
    // A wrong clock would put its owner first, or last, in a queue for good.
    ...(number(handAt, now - MAX_CLOCK_SKEW_MS, now + MAX_CLOCK_SKEW_MS) ? { handAt } : {}),
  };
}

/** `sdp` of an offer or answer: text alone (other SDKs) or JSEP's fields with what orders them. */
export function readDescription(type: 'offer' | 'answer', value: unknown): WireDescription | undefined {
  const fields: Fields = isObject(value) ? value : { sdp: value };
  const { sdp, gen, n, to } = fields;
  if (!text(sdp, MAX_SDP_LENGTH)) return undefined;
  // A description in a wrong order does more harm than none: it is not read as one without order.
  for (const order of [gen, n, to]) if (order !== undefined && !counter(order)) return undefined;
  return {
    type,
    sdp,
    ...(counter(gen) ? { gen } : {}),
    ...(counter(n) ? { n } : {}),
    ...(counter(to) ? { to } : {}),
  };
}

/** `candidate` of an `ice-candidate`: text alone (other SDKs), RTCIceCandidateInit, or null for the end of the candidates. */
export function readCandidate(value: unknown): WireCandidate | null | undefined {
  if (value === null) return null;
  const fields: Fields = isObject(value) ? value : { candidate: value };
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment, gen } = fields;
  if (!text(candidate, MAX_CANDIDATE_LENGTH) || (gen !== undefined && !counter(gen))) return undefined;
  return {
    candidate,
    ...(text(sdpMid, MAX_TOKEN_LENGTH) ? { sdpMid } : {}),
    // RTCIceCandidateInit: an unsigned short.
    ...(Number.isInteger(sdpMLineIndex) && number(sdpMLineIndex, 0, 65_535) ? { sdpMLineIndex } : {}),
    ...(text(usernameFragment, MAX_TOKEN_LENGTH) ? { usernameFragment } : {}),
    ...(counter(gen) ? { gen } : {}),
  };
}
