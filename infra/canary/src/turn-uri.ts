/** TURN URIs (RFC 7065), as auth hands them out. */

export type RelayTransport = 'udp' | 'tcp' | 'tls';

export interface TurnUri {
  readonly text: string;
  readonly host: string;
  readonly port: number;
  readonly transport: RelayTransport;
}

/** @returns the parts, or undefined when it is no turn: or turns: URI (a stun: URI, for one) */
export function parseTurnUri(text: string): TurnUri | undefined {
  const match =
    /^(turns?):(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i.exec(text) ?? undefined;
  if (!match) return undefined;
  const secure = match[1]?.toLowerCase() === 'turns';
  const port = match[3] === undefined ? (secure ? 5349 : 3478) : Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  const transport = match[4]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp';
  return {
    text,
    host: (match[2] ?? '').replace(/^\[|\]$/g, ''),
    port,
    // A secure URI is TLS over TCP; DTLS (turns: over UDP) is spoken by no browser.
    transport: secure ? 'tls' : transport,
  };
}
