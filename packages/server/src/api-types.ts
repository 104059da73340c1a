// Generated from docs/server-api.yaml, docs/events-api.yaml and docs/openapi.yaml: node packages/server/generate-types.ts

/** A room as the server API shows it. */
export interface Room {
  /** Letters and digits of any script, `.` `_` `~` `-`; 128 bytes at most; neither `.` nor `..` (rule S-29). */
  readonly roomId: string;
  /** Tells this use of the room from others of its name. Absent while it is empty. */
  readonly sid?: string;
  /** When it was created here. Absent for a room that was only joined. RFC 3339. */
  readonly createdAt?: string;
  /** When the first of those who are in came in. RFC 3339. */
  readonly startedAt?: string;
  /** People in it now, also those who are away for a moment. */
  readonly numPeers: number;
  /** Most people at once. Default: the limit of the service, which it cannot raise. */
  readonly maxPeers?: number;
  /** No new people come in but moderators (grant `kick`); members stay. Default false. */
  readonly locked: boolean;
  /** New people wait until a moderator in the room (grant `kick`) lets them in. `locked` counts before it. Default false. */
  readonly waitingRoom: boolean;
  /** How long the room is kept while it is empty, s. Default: until a day after expiresAt and endAt, or else 86,400. */
  readonly emptyTimeoutSeconds?: number;
  /** From then on no new people come in. RFC 3339. */
  readonly expiresAt?: string;
  /** Then all are removed (close code 4009), within 20 s. RFC 3339. */
  readonly endAt?: string;
  /** Yours; clients never see it. 4096 bytes as JSON at most. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** To find rooms by. */
  readonly tags: readonly string[];
}

/** What was decided of somebody in a room, beside their token. */
export interface DecidedGrants {
  readonly publish?: boolean;
  readonly data?: boolean;
  readonly kick?: boolean;
  readonly invite?: boolean;
}

/** Somebody in a room. */
export interface Peer {
  readonly peerId: string;
  readonly userId: string;
  /** Display name that the token proves. */
  readonly name?: string;
  /** The user id is self-chosen. */
  readonly guest: boolean;
  /** Its connection is lost, and it may come back. */
  readonly away: boolean;
  /** When it came into the room; a connection that was lost and is back does not change it. Absent where a node of an older version took its join. RFC 3339. */
  readonly joinedAt?: string;
  /** What it says of itself, and what a backend says of it. */
  readonly metadata?: unknown;
  /** What a backend or a moderator decided in this room, beside its token. Absent: nothing. */
  readonly grants?: DecidedGrants;
}

/** One file of a recording. */
export interface RecordingFile {
  readonly name: string;
  /** All of the room in one picture and one sound, or one track of one person as it was sent. */
  readonly kind: 'composed' | 'track';
  readonly bytes: number;
  /** Of its first frame, from the beginning of the recording. */
  readonly startSeconds: number;
  readonly peerId?: string;
  readonly userId?: string;
  readonly slot?: 'audio' | 'video' | 'screen';
}

/** A recording of a room. */
export interface Recording {
  readonly recordingId: string;
  readonly roomId: string;
  /** starting: no media node records yet. recording. processing: it is over, its files are being made. ready. failed: there is no composed file. */
  readonly status: 'starting' | 'recording' | 'processing' | 'ready' | 'failed';
  /** When it was started. RFC 3339. */
  readonly startedAt: string;
  /** How the film shows people: all alike, or who speaks large and the others beside. Default grid. */
  readonly layout: 'grid' | 'speaker';
  /** Id of the API key, or `user:` and the user id. */
  readonly startedBy: string;
  /** Of the composed file. Once it is ready. */
  readonly durationSeconds?: number;
  /** Why it failed. */
  readonly error?: string;
  /** Once it is ready. */
  readonly files: readonly RecordingFile[];
}

/** Where webhooks go. */
export interface WebhookEndpoint {
  readonly id: string;
  /** https, port 443, at a public address; without user, password and fragment. Or the URL of a FIFO queue of Amazon SQS that the deployment allows (EVENT_QUEUES). */
  readonly url: string;
  /** Which events. Default: all but `peer.updated`. `events.dropped` comes always. */
  readonly types: readonly string[];
  /** Room ids; a trailing `*` matches any rest. Default: the rooms of the API key, which it cannot go beyond. */
  readonly rooms: readonly string[];
  /** Yours. */
  readonly description: string;
  /** `gone`: it answered 410. */
  readonly state: 'active' | 'disabled' | 'gone';
  readonly createdAt: string;
  /** How its webhooks are signed (Standard Webhooks). `v1`: HMAC-SHA256 with a secret that both sides keep. `v1a`: Ed25519; only the service can sign, and what the receiver keeps is no secret. It stays as it is. Default `v1`. */
  readonly signature: 'v1' | 'v1a';
  /** Of `v1a`: `whpk_…`, those that it is signed for now; after a rotation also the one before, for a day. Else none. */
  readonly publicKeys: readonly string[];
}

/** Settings of a room that is created. */
export interface NewRoom {
  /** Letters and digits of any script, `.` `_` `~` `-`; 128 bytes at most; neither `.` nor `..` (rule S-29). */
  readonly roomId?: string | undefined;
  /** Most people at once. Default: the limit of the service, which it cannot raise. */
  readonly maxPeers?: number | undefined;
  /** No new people come in but moderators (grant `kick`); members stay. Default false. */
  readonly locked?: boolean | undefined;
  /** New people wait until a moderator in the room (grant `kick`) lets them in. `locked` counts before it. Default false. */
  readonly waitingRoom?: boolean | undefined;
  /** How long the room is kept while it is empty, s. Default: until a day after expiresAt and endAt, or else 86,400. */
  readonly emptyTimeoutSeconds?: number | undefined;
  /** From then on no new people come in. RFC 3339. */
  readonly expiresAt?: string | undefined;
  /** Then all are removed (close code 4009), within 20 s. RFC 3339. */
  readonly endAt?: string | undefined;
  /** Yours; clients never see it. 4096 bytes as JSON at most. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** To find rooms by. */
  readonly tags?: readonly string[] | undefined;
}

/** Settings to change (RFC 7396): null takes one away. */
export interface RoomPatch {
  /** Most people at once. Default: the limit of the service, which it cannot raise. */
  readonly maxPeers?: number | null | undefined;
  /** No new people come in but moderators (grant `kick`); members stay. Default false. */
  readonly locked?: boolean | null | undefined;
  /** New people wait until a moderator in the room (grant `kick`) lets them in. `locked` counts before it. Default false. */
  readonly waitingRoom?: boolean | null | undefined;
  /** How long the room is kept while it is empty, s. Default: until a day after expiresAt and endAt, or else 86,400. */
  readonly emptyTimeoutSeconds?: number | null | undefined;
  /** From then on no new people come in. RFC 3339. */
  readonly expiresAt?: string | null | undefined;
  /** Then all are removed (close code 4009), within 20 s. RFC 3339. */
  readonly endAt?: string | null | undefined;
  /** Yours; clients never see it. 4096 bytes as JSON at most. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
  /** To find rooms by. */
  readonly tags?: readonly string[] | null | undefined;
}

/** A message from the server to peers. */
export interface ServerMessage {
  readonly topic: string;
  /** Any JSON, 8,192 bytes at most. */
  readonly data: unknown;
  /** Only to these. Default: all. */
  readonly peerIds?: readonly string[] | undefined;
  /** Only to these users. */
  readonly userIds?: readonly string[] | undefined;
}

/** Whose token, and what it opens. */
export interface NewToken {
  /** Your id of the user; no control characters. */
  readonly userId: string;
  /** Display name. */
  readonly name?: string | undefined;
  /** The one room. Default: all that the API key may grant. */
  readonly roomId?: string | undefined;
  /** moderator: may kick, mute and close, and invite listeners to speak and record if the API key grants `invite` and `record`. member (default): may speak. observer: hears and sees only. */
  readonly role?: 'moderator' | 'member' | 'observer' | undefined;
  /** Life of the login session, with its refreshes. Default: that of the service. */
  readonly ttlSeconds?: number | undefined;
}

/** Who is kept out of the room: none (default), this login session, or every login of the user (of a guest the login: a guest’s id proves nothing). */
export type Ban = 'none' | 'login' | 'user';
