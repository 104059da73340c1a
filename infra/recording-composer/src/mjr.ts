/** What Janus says of a track at the beginning of its .mjr file (https://janus.conf.meetecho.com/docs/recordings.html). */
import { open } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';

const MAGIC = 'MJR00002';
const MAX_HEADER_BYTES = 4096;

export const MjrHeader = Type.Object({
  t: Type.Union([Type.Literal('a'), Type.Literal('v')], { description: 'Sound or picture.' }),
  c: Type.Union([Type.Literal('opus'), Type.Literal('vp8'), Type.Literal('h264')], { description: 'Codec.' }),
  d: Type.Optional(Type.String({ maxLength: 256, description: 'What the publisher called it: its slot.' })),
  u: Type.Integer({ minimum: 1, description: 'When its first packet was written, µs since the epoch.' }),
});
export type MjrHeader = Static<typeof MjrHeader>;

/** @returns undefined for a file without a frame @throws Error for a header that is not of what is composed */
export async function readMjrHeader(path: string): Promise<MjrHeader | undefined> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(10 + MAX_HEADER_BYTES), 0, 10 + MAX_HEADER_BYTES, 0);
  if (bytesRead < 10 || buffer.toString('latin1', 0, 8) !== MAGIC) return undefined;
  const length = buffer.readUInt16BE(8);
  if (length > MAX_HEADER_BYTES || 10 + length > bytesRead) throw new Error('its header is cut off');
  const header: unknown = JSON.parse(buffer.toString('utf8', 10, 10 + length));
  if (!Check(MjrHeader, header)) throw new Error(`its header is not of a track that is composed`);
  return header;
}
