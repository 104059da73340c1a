import { SignalingSession } from '@tandem/rtc/session';
import type { TandemServer } from '@tandem/server';
import { WebSocket } from 'ws';
import { type Command, type CommandContext, number } from '../command.ts';
import { parseTurnUri, probeTurn } from '../turn-probe.ts';

/** What one check found. */
interface Finding {
  readonly check: string;
  readonly passed: boolean;
  readonly detail: string;
}

/** Furthest that this machine's clock may be from the deployment's, s: tokens of ten minutes still serve. */
const MAX_SKEW_S = 60;

export const DOCTOR_COMMANDS: Readonly<Record<string, Command>> = {
  doctor: {
    summary: 'what of a deployment works from here: clock, keys, API key, WebSocket, TURN',
    options: { timeout: { type: 'string', value: 'SECONDS', help: 'longest wait for one answer, default 10' } },
    run: examine,
  },
};

async function examine({ connect, options, out, signal }: CommandContext): Promise<number> {
  const { server, url } = connect();
  const timeoutMs = (number(options, 'timeout', { min: 1, max: 120 }) ?? 10) * 1000;
  const findings: Finding[] = [];
  const check = async <T>(name: string, work: () => Promise<readonly [T, string]>): Promise<T | undefined> => {
    try {
      const [value, detail] = await work();
      findings.push({ check: name, passed: true, detail });
      return value;
    } catch (error) {
      findings.push({ check: name, passed: false, detail: wordsOf(error) });
      return undefined;
    }
  };
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${url.replace(/\/+$/, '')}${path}`, {
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });

  const keyIds = await check('keys', () => readKeys(get));
  await check('clock', () => readClock(get));
  const roomId = await check('api key', async () => {
    const room = await server.rooms.create({ emptyTimeoutSeconds: 60, maxPeers: 2 }, { signal });
    return [room.roomId, `created the room ${room.roomId}`];
  });
  const token = roomId && (await check('token', () => mintToken(server, { roomId, keyIds, signal })));
  if (token) {
    await check('websocket', () => joinOnce({ url, token, roomId, timeoutMs }));
    const uris = await check('ice servers', () =>
      readRelays(() => get('/auth/ice-servers', { authorization: `Bearer ${token}` })),
    );
    for (const uri of uris ?? [])
      await check(uri, async () => {
        const parsed = parseTurnUri(uri);
        if (!parsed) throw new Error('is no TURN URI that browsers use');
        await probeTurn(parsed, timeoutMs);
        return [true, 'answers'];
      });
  }
  if (roomId) await check('end of the room', async () => [await server.rooms.close(roomId, { signal }), 'closed']);
  out.table(
    findings.map(({ check: name, passed, detail }) => ({ check: name, result: passed ? 'ok' : 'FAILED', detail })),
    ['check', 'result', 'detail'],
  );
  return findings.every(({ passed }) => passed) ? 0 : 1;
}

/** fetch says "fetch failed" and keeps the reason apart. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

type Get = (path: string) => Promise<Response>;

async function readKeys(get: Get): Promise<readonly [readonly string[], string]> {
  const answer = await get('/.well-known/jwks.json');
  if (!answer.ok) throw new Error(`/.well-known/jwks.json answers ${answer.status}`);
  const { keys = [] } = (await answer.json()) as { keys?: readonly { kid?: string }[] };
  if (keys.length === 0) throw new Error('/.well-known/jwks.json has no key');
  return [keys.map(({ kid = '' }) => kid), `${keys.length} public keys`];
}

async function readClock(get: Get): Promise<readonly [number, string]> {
  const before = Date.now();
  const answer = await get('/.well-known/jwks.json');
  const middle = (before + Date.now()) / 2;
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(theirs)) throw new Error('the answer has no date');
  // The header has whole seconds: the time is half a second later on average.
  const skew = Math.round((middle - (theirs + 500)) / 1000);
  if (Math.abs(skew) > MAX_SKEW_S) throw new Error(`this clock is ${skew} s from the deployment's`);
  return [skew, `${Math.abs(skew)} s from the deployment's`];
}

async function mintToken(
  server: TandemServer,
  { roomId, keyIds, signal }: { roomId: string; keyIds: readonly string[] | undefined; signal: AbortSignal },
): Promise<readonly [string, string]> {
  const { token } = await server.tokens.create({ userId: 'tandem-doctor', roomId, ttlSeconds: 60 }, { signal });
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string };
  if (keyIds && !keyIds.includes(kid ?? '')) throw new Error(`signed with ${kid}, which is not among the public keys`);
  return [token, 'signed with a published key'];
}

async function joinOnce(options: {
  readonly url: string;
  readonly token: string;
  readonly roomId: string;
  readonly timeoutMs: number;
}): Promise<readonly [true, string]> {
  const { url, token, roomId, timeoutMs } = options;
  const session = new SignalingSession({
    url: `${url.replace(/\/+$/, '')}/ws/signal`,
    getToken: async () => token,
    WebSocket: WebSocket as never,
    connectTimeout: timeoutMs,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not in the room within ${timeoutMs} ms`)), timeoutMs);
  });
  const since = performance.now();
  try {
    await Promise.race([session.join(roomId), late]);
    return [true, `in the room after ${Math.round(performance.now() - since)} ms, on ${session.node ?? 'a node'}`];
  } finally {
    clearTimeout(timer);
    session.close();
  }
}

async function readRelays(get: () => Promise<Response>): Promise<readonly [readonly string[], string]> {
  const answer = await get();
  if (!answer.ok) throw new Error(`/auth/ice-servers answers ${answer.status}`);
  const { iceServers = [] } = (await answer.json()) as { iceServers?: readonly { urls: string | readonly string[] }[] };
  const uris = iceServers.flatMap(({ urls }) => urls).filter((uri) => /^turns?:/i.test(uri));
  if (uris.length === 0) throw new Error('no relay: no TURN node is in the directory, and no TURN_URIS are set');
  return [uris, `${uris.length} TURN addresses`];
}
