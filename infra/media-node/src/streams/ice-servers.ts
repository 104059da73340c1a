/** TURN servers for a client of WHIP or WHEP, as `Link` headers (RFC 9725 section 4.6). */
import Type from 'typebox';
import { Check } from 'typebox/value';

/** What auth answers; a client waits for it no longer than this, ms. */
const ANSWER_MS = 2000;

const Answer = Type.Object({
  iceServers: Type.Array(
    Type.Object({
      urls: Type.Array(Type.String({ maxLength: 512, pattern: '^(stun|turns?):[^<>"\\s]+$' }), { maxItems: 8 }),
      username: Type.Optional(Type.String({ maxLength: 512 })),
      credential: Type.Optional(Type.String({ maxLength: 512 })),
    }),
    { maxItems: 8 },
  ),
});

/** A quoted string (RFC 9110 section 5.6.4). */
const quoted = (value: string) => `"${value.replace(/["\\]/g, '\\$&')}"`;

/** @returns header values; none where auth has no servers or does not answer: without TURN most clients still connect */
export async function iceServerLinks(authUrl: string, token: string): Promise<string[]> {
  try {
    const response = await fetch(new URL('/auth/ice-servers', authUrl), {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const body: unknown = await response.json();
    return response.ok && Check(Answer, body) ? body.iceServers.flatMap(linksOf) : [];
  } catch {
    return [];
  }
}

function linksOf({ urls, username, credential }: Type.Static<typeof Answer>['iceServers'][number]): string[] {
  const isPrintable = (value: string | undefined) => value === undefined || /^[\x20-\x7e]*$/.test(value);
  if (!isPrintable(username) || !isPrintable(credential)) return [];
  const login =
    username === undefined || credential === undefined
      ? ''
      : `; username=${quoted(username)}; credential=${quoted(credential)}; credential-type="password"`;
  return urls.map((url) => `<${url}>; rel="ice-server"${login}`);
}
