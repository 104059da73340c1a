/** What WHIP and WHEP need of session descriptions and their fragments (RFC 8866, RFC 8840); all of it comes from outside. */
import type { Candidate } from '../engine.ts';
import { hasPlainMids } from '../session-slots.ts';

/** Largest body that is read, bytes: an offer of a browser with all its codecs has about 8,000. */
export const MAX_BODY_BYTES = 32 * 1024;
/** Most media sections of an offer: more than any encoder sends. */
const MAX_MEDIA_SECTIONS = 8;
/** Tracks of one encoder: a microphone, a camera and a screen (RFC 9725 section 4.4.2: more are refused). */
const MOST_SENT = [
  ['audio', 1],
  ['video', 2],
] as const;
/** Most candidates of one fragment. */
const MAX_CANDIDATES = 64;
const MAX_CANDIDATE = 512;

/** A description or fragment cannot be read. The message says what is wrong with it, and quotes nothing. */
export class BadSdpError extends Error {
  override name = 'BadSdpError';
}

/** Credentials of an ICE session (RFC 8839 section 5.4). */
export interface IceCredentials {
  readonly ufrag: string;
  readonly pwd: string;
}

/** What a client says of its path: credentials, candidates, or both. */
export interface Fragment {
  readonly credentials?: IceCredentials;
  readonly candidates: readonly (Candidate | null)[];
}

const UFRAG = /^a=ice-ufrag:([A-Za-z0-9+/]{4,256})$/m;
const PWD = /^a=ice-pwd:([A-Za-z0-9+/]{22,256})$/m;

/** Lines without their ends. @throws BadSdpError for what is no list of `x=…` */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!lines.every((line) => /^[a-z]=[^\u0000-\u0008\u000a-\u001f\u007f]*$/.test(line)))
    throw new BadSdpError('a line is not of the form <letter>=<value>');
  return lines;
}

function credentialsOf(lines: readonly string[]): IceCredentials | undefined {
  const text = lines.join('\n');
  const [ufrag, pwd] = [UFRAG.exec(text)?.[1], PWD.exec(text)?.[1]];
  return ufrag === undefined || pwd === undefined ? undefined : { ufrag, pwd };
}

/** An offer that has been looked at, with the line ends that an engine expects. */
export interface Offer {
  readonly sdp: string;
  readonly credentials: IceCredentials;
}

/**
 * @param direction of the client's media: what the other side may do with it
 * @throws BadSdpError
 */
export function readOffer(text: string, direction: 'sends' | 'receives'): Offer {
  const lines = linesOf(text);
  if (lines[0] !== 'v=0') throw new BadSdpError('the first line is not v=0');
  const media = lines.filter((line) => line.startsWith('m='));
  if (!media.some((line) => /^m=(audio|video) /.test(line)))
    throw new BadSdpError('there is no media section of audio or video');
  if (media.length > MAX_MEDIA_SECTIONS)
    throw new BadSdpError(`there are ${media.length} media sections, at most ${MAX_MEDIA_SECTIONS} are taken`);
  for (const [kind, most] of direction === 'sends' ? MOST_SENT : [])
    if (media.filter((line) => line.startsWith(`m=${kind} `)).length > most)
      throw new BadSdpError(`there are more than ${most} media sections of ${kind}`);
  const wrong = direction === 'sends' ? ['a=recvonly', 'a=inactive'] : ['a=sendonly', 'a=inactive'];
  for (const section of sectionsOf(lines))
    if (/^m=(audio|video) /.test(section[0] ?? '') && section.some((line) => wrong.includes(line)))
      throw new BadSdpError(`a media section is ${wrong.map((one) => one.slice(2)).join(' or ')}`);
  if (!hasPlainMids(lines.join('\r\n')))
    throw new BadSdpError('a media section has several names, or not one of its own');
  const credentials = credentialsOf(lines);
  if (!credentials) throw new BadSdpError('a=ice-ufrag or a=ice-pwd is missing');
  if (!lines.some((line) => line.startsWith('a=fingerprint:'))) throw new BadSdpError('a=fingerprint is missing');
  return { sdp: `${lines.join('\r\n')}\r\n`, credentials };
}

/** Media sections, each with its `m=` first. */
function sectionsOf(lines: readonly string[]): string[][] {
  const sections: string[][] = [];
  for (const line of lines)
    if (line.startsWith('m=')) sections.push([line]);
    else sections.at(-1)?.push(line);
  return sections;
}

/** @throws BadSdpError */
export function readFragment(text: string): Fragment {
  const lines = linesOf(text);
  const credentials = credentialsOf(lines);
  const candidates: (Candidate | null)[] = [];
  let sdpMLineIndex = -1;
  let sdpMid: string | null = null;
  for (const line of lines) {
    if (line.startsWith('m=')) {
      sdpMLineIndex++;
      sdpMid = null;
    } else if (line.startsWith('a=mid:')) sdpMid = line.slice(6, 6 + 64);
    else if (line.startsWith('a=candidate:')) {
      if (line.length > MAX_CANDIDATE) throw new BadSdpError('a candidate is too long');
      candidates.push({
        candidate: line.slice(2),
        sdpMid,
        sdpMLineIndex: sdpMid === null ? Math.max(0, sdpMLineIndex) : null,
      });
    } else if (line === 'a=end-of-candidates') candidates.push(null);
  }
  if (candidates.length > MAX_CANDIDATES)
    throw new BadSdpError(`there are ${candidates.length} candidates, at most ${MAX_CANDIDATES} are taken`);
  if (!credentials && candidates.length === 0)
    throw new BadSdpError('there are neither ICE credentials nor candidates');
  // One end for all sections: media is bundled on one path.
  const ends = candidates.includes(null);
  return {
    ...(credentials ? { credentials } : {}),
    candidates: [...candidates.filter((one) => one !== null), ...(ends ? [null] : [])],
  };
}

/** The same offer on a new path: other credentials, and only the candidates that belong to them. */
export function withPath({ sdp }: Offer, credentials: IceCredentials): Offer {
  const lines = sdp
    .split('\r\n')
    .filter((line) => !/^a=(candidate:|end-of-candidates)/.test(line))
    .map((line) => {
      if (line.startsWith('a=ice-ufrag:')) return `a=ice-ufrag:${credentials.ufrag}`;
      if (line.startsWith('a=ice-pwd:')) return `a=ice-pwd:${credentials.pwd}`;
      return line;
    });
  return { sdp: lines.join('\r\n'), credentials };
}

/** The engine's answer with its candidates, as a client gets it that hears of none later. They are those of the first section. */
export function withCandidates(answer: string, candidates: readonly Candidate[]): string {
  const lines = answer.split(/\r?\n/).filter((line) => line !== '' && !/^a=(candidate:|end-of-candidates)/.test(line));
  const first = lines.findIndex((line) => line.startsWith('m='));
  const next = lines.findIndex((line, at) => at > first && line.startsWith('m='));
  lines.splice(next === -1 ? lines.length : next, 0, ...candidateLines(candidates));
  return `${lines.join('\r\n')}\r\n`;
}

/** What an ICE restart is answered with: the engine's new credentials and candidates. */
export function fragmentOf(answer: string, candidates: readonly Candidate[]): string {
  const lines = answer.split(/\r?\n/);
  const section = sectionsOf(lines)[0] ?? [];
  const { ufrag = '', pwd = '' } = credentialsOf(lines) ?? {};
  // As the answer has them (RFC 9725 section 4.3.3).
  const options = ['a=ice-lite', 'a=ice-options:', 'a=ice-pacing:'].flatMap(
    (name) => lines.find((line) => line.startsWith(name)) ?? [],
  );
  return [
    ...options,
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    section[0] ?? 'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    ...section.filter((line) => line.startsWith('a=mid:')),
    ...candidateLines(candidates),
    '',
  ].join('\r\n');
}

const candidateLines = (candidates: readonly Candidate[]) => [
  ...candidates.map(({ candidate }) => `a=${candidate.replace(/^a=/, '')}`),
  'a=end-of-candidates',
];
