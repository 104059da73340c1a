/** Compiled checks of every client message, and one line that tells what is wrong. */
import { ClientMessages } from '@tandem/protocol';
import { Compile } from 'typebox/compile';
import { RefusalError } from '../errors.ts';

const validators = new Map(Object.entries(ClientMessages).map(([type, schema]) => [type, Compile(schema)] as const));

/** Longest `peerId` of the contract; it is ASCII. */
export const MAX_PEER_ID = 64;

/** Types this server knows. */
export function isKnownType(type: string): type is keyof typeof ClientMessages {
  return validators.has(type);
}

/** @throws RefusalError `bad_message` that names the first wrong field */
export function checkMessage(type: keyof typeof ClientMessages, message: unknown): void {
  const validator = validators.get(type);
  if (!validator || validator.Check(message)) return;
  const [first] = validator.Errors(message);
  const missing = (first?.params as { requiredProperties?: string[] } | undefined)?.requiredProperties?.[0];
  const field = missing === undefined ? (first?.instancePath ?? '') : `${first?.instancePath ?? ''}/${missing}`;
  throw new RefusalError('bad_message', `${type}${field}: ${missing === undefined ? first?.message : 'is required'}`, {
    field,
  });
}
