/** The recognizers of a deployment: one address a language. */
import { isUrl, readList } from '@tandem/service/settings';

/** As browsers name languages (BCP 47), shortest form: `en`, `pt-BR`. */
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$/;
const MOST = 32;

/** A name and a password in an address would be a secret in a setting, and what follows `#` is not sent at all. */
function isAddress(text: string): boolean {
  if (!isUrl(text, 'ws:', 'wss:')) return false;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}

/**
 * @param text such as `en=ws://vosk-en:2700,de=wss://speech.example.org/de`
 * @returns address by language, or undefined for anything else, a language that is named twice, or none
 */
export function parseRecognizers(text: string): ReadonlyMap<string, string> | undefined {
  const parts = readList(text).map((part) => {
    const at = part.indexOf('=');
    return [part.slice(0, Math.max(at, 0)), part.slice(at + 1)] as const;
  });
  const isGood = parts.every(([language, address]) => LANGUAGE.test(language) && isAddress(address));
  const recognizers = new Map(parts);
  const isBounded = parts.length > 0 && parts.length <= MOST && recognizers.size === parts.length;
  return isGood && isBounded ? recognizers : undefined;
}

/** @throws RangeError for a text that is none: the setting's schema has refused it before */
export function readRecognizers(text: string): ReadonlyMap<string, string> {
  const recognizers = parseRecognizers(text);
  if (!recognizers) throw new RangeError('no recognizers');
  return recognizers;
}
