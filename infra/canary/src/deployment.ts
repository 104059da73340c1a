/** What the canary asks of a deployment over HTTP: the page, tokens, ICE servers. Answers are checked; nothing of a token is shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import Type, { type Static, type TSchema } from 'typebox';
import { Check } from 'typebox/value';

/** Most bytes that an answer may have. */
const MAX_ANSWER_BYTES = 256 * 1024;

const Settings = Type.Object({
  signalingUrl: Type.Optional(Type.String({ maxLength: 2048 })),
  authUrl: Type.Optional(Type.String({ maxLength: 2048 })),
});
const Jwks = Type.Object({
  keys: Type.Array(Type.Object({ kid: Type.String({ minLength: 1, maxLength: 256 }) }), { minItems: 1, maxItems: 64 }),
});
const Token = Type.Object({ token: Type.String({ minLength: 1, maxLength: 8192 }) });
const IceServers = Type.Object({
  iceServers: Type.Array(
    Type.Object({
      urls: Type.Union([
        Type.String({ maxLength: 512 }),
        Type.Array(Type.String({ maxLength: 512 }), { maxItems: 16 }),
      ]),
      username: Type.Optional(Type.String({ maxLength: 512 })),
      credential: Type.Optional(Type.String({ maxLength: 512 })),
    }),
    { maxItems: 16 },
  ),
});
export type IceServer = Static<typeof IceServers>['iceServers'][number];

/** Where the services of a page are, as the page itself finds them. */
export interface Endpoints {
  readonly auth: URL;
  readonly signaling: URL;
}

export interface DeploymentOptions {
  readonly origin: URL;
  readonly apiKey?: string;
  readonly timeoutMs: number;
}

/**
 * How long a service that sheds says to wait, ms: 429 and 503 with `Retry-After` (RFC 9110, 10.2.3, in seconds).
 * @returns undefined for any other answer
 */
function toldToWait(answer: Response): number | undefined {
  const after = answer.headers.get('retry-after') ?? '';
  if (![429, 503].includes(answer.status) || !/^\d{1,4}$/.test(after)) return undefined;
  return Math.max(1, Number(after)) * 1000;
}

/**
 * Ask, and ask again when a service that sheds says so, as its clients do, until `timeoutMs` is over: shedding for a moment is what it is
 * built for and no fault; shedding for longer is.
 */
async function answerOf(
  url: URL,
  options: DeploymentOptions,
  init: RequestInit = {},
): Promise<{ answer: Response; waited: boolean }> {
  const started = performance.now();
  for (let waited = false; ; waited = true) {
    const answer = await askOnce(url, options, init);
    const wait = toldToWait(answer);
    if (wait === undefined || performance.now() - started + wait > options.timeoutMs) return { answer, waited };
    await answer.body?.cancel();
    await sleep(wait);
  }
}

async function askOnce(url: URL, options: DeploymentOptions, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(options.timeoutMs) });
  } catch (error) {
    // fetch says "fetch failed" and keeps the reason apart.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url.origin}${url.pathname}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

async function textOf(url: URL, answer: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES)
      throw new Error(`${url.pathname}: the answer is over ${MAX_ANSWER_BYTES} bytes`);
  }
  return text;
}

async function jsonOf<T extends TSchema>(url: URL, answer: Response, schema: T): Promise<Static<T>> {
  const text = await textOf(url, answer);
  if (!answer.ok) throw new Error(`${url.pathname} answers ${answer.status}${problemOf(text)}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!Check(schema, value)) throw new Error(`${url.pathname}: the answer has not the expected shape`);
  return value as Static<T>;
}

/** `code: detail` of problem details (RFC 9457), for people. */
function problemOf(text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
    return typeof code === 'string' ? `, ${code}: ${typeof detail === 'string' ? detail : ''}` : '';
  } catch {
    return '';
  }
}

/** Read the page and its settings. @throws Error when either is not served */
export async function findEndpoints(options: DeploymentOptions): Promise<Endpoints> {
  const { origin } = options;
  const page = new URL('/', origin);
  const { answer } = await answerOf(page, options);
  const type = answer.headers.get('content-type') ?? '';
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`/ answers ${answer.status}`);
  if (!type.startsWith('text/html')) throw new Error(`/ is ${type || 'of no type'}, not a page`);
  const file = new URL('/config.json', origin);
  const settings = await jsonOf(file, (await answerOf(file, options)).answer, Settings);
  const http = (base: string | undefined) => {
    const url = new URL(base || origin);
    url.protocol = url.protocol.replace(/^ws/, 'http');
    return url;
  };
  return { auth: http(settings.authUrl), signaling: http(settings.signalingUrl) };
}

/**
 * Ask auth and signaling behind the front for what they give everybody: the keys that sign tokens, and the answer to a plain request for a
 * socket (docs/service-contracts.md, S-5).
 * @throws Error naming the path that does not answer so
 */
export async function askServices(endpoints: Endpoints, options: DeploymentOptions): Promise<void> {
  const keys = new URL('/.well-known/jwks.json', endpoints.auth);
  await jsonOf(keys, (await answerOf(keys, options)).answer, Jwks);
  const socket = new URL('/ws/signal', endpoints.signaling);
  const { status } = await askUpgrade(socket, options);
  if (status !== 426) throw new Error(`${socket.pathname} answers ${status} to a plain request, in place of 426`);
}

/** An access token of a user made for this run. @throws Error with the reason that auth gives */
export async function fetchToken(endpoints: Endpoints, userId: string, options: DeploymentOptions): Promise<string> {
  const url = new URL('/auth/token', endpoints.auth);
  const { answer } = await answerOf(url, options, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(options.apiKey ? { 'x-api-key': options.apiKey } : {}) },
    body: JSON.stringify({ userId, name: 'Canary' }),
  });
  return (await jsonOf(url, answer, Token)).token;
}

/** @throws Error with the reason that auth gives */
export async function fetchIceServers(
  endpoints: Endpoints,
  token: string,
  options: DeploymentOptions,
): Promise<readonly IceServer[]> {
  const url = new URL('/auth/ice-servers', endpoints.auth);
  const { answer } = await answerOf(url, options, { headers: { authorization: `Bearer ${token}` } });
  return (await jsonOf(url, answer, IceServers)).iceServers;
}

/** Why an upgrade was refused: the status that a plain request to the same path gets (docs/service-contracts.md, S-5). */
export interface UpgradeAnswer {
  readonly status: number;
  /** The service shed before it answered so. */
  readonly waited: boolean;
}

/** @throws Error when nothing answers */
export async function askUpgrade(url: URL, options: DeploymentOptions): Promise<UpgradeAnswer> {
  const { answer, waited } = await answerOf(url, options);
  await answer.body?.cancel();
  return { status: answer.status, waited };
}
