/** Links of a visit: who holds one is the doctor or the patient. Signed, so that the backend keeps nothing. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Link {
  readonly visit: string;
  readonly role: 'doctor' | 'patient';
  /** When the visit ends at the latest, ms since the epoch. */
  readonly endsAt: number;
}

const signatureOf = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest();

/** For the fragment of the page's address, which no server and no log sees. */
export function writeLink({ visit, role, endsAt }: Link, secret: string): string {
  const text = `${visit}.${role}.${endsAt}`;
  return `${text}.${signatureOf(text, secret).toString('base64url')}`;
}

/** undefined: not one of ours, or changed. */
export function readLink(text: unknown, secret: string): Link | undefined {
  if (typeof text !== 'string' || text.length > 200) return undefined;
  const [, signed = '', visit = '', role, endsAt, signature = ''] =
    /^(([A-Za-z0-9-]{1,40})\.(doctor|patient)\.(\d{13}))\.([\w-]{43})$/.exec(text) ?? [];
  const given = Buffer.from(signature, 'base64url');
  const expected = signatureOf(signed, secret);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return { visit, role: role as Link['role'], endsAt: Number(endsAt) };
}
