/**
 * Signing keys in one secret of AWS Secrets Manager, shared by all processes.
 *
 * Writers are not coordinated: each write is tied to the version it was made from (its idempotency token is a hash of that
 * version's id), so of several processes that find a rotation due, one wins and the others read what it wrote.
 */
import { createHash } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type DocumentPlace, documentSource } from './document-source.ts';
import { type KeyDocument, parseKeyDocument, type Timetable } from './key-document.ts';
import type { KeySource } from './key-source.ts';

const named = (error: unknown, name: string) => (error as { name?: string })?.name === name;

/** A version 4 UUID's shape is not asked for; 32 to 64 characters are. */
const tokenFor = (version: string) =>
  createHash('sha256').update(`tandem keys after ${version}`).digest('hex').slice(0, 64);

/** @param secretId name or ARN; the secret may be empty, `{}` or without a value at first */
export function secretsManagerSource(secretId: string, client: SecretsManagerClient, timetable: Timetable): KeySource {
  async function read(): Promise<{ doc: KeyDocument | undefined; version: string }> {
    try {
      const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
      const text = answer.SecretString?.trim() ?? '';
      const version = answer.VersionId ?? 'none';
      if (text === '' || text === '{}') return { doc: undefined, version };
      return { doc: parseKeyDocument(text, `secret ${secretId}`), version };
    } catch (error) {
      // The secret exists without a value: CloudFormation made it so.
      if (
        named(error, 'ResourceNotFoundException') &&
        /AWSCURRENT|can't find the specified secret value/i.test(String(error))
      )
        return { doc: undefined, version: 'none' };
      throw error;
    }
  }
  async function write(doc: KeyDocument, after: string): Promise<void> {
    try {
      await client.send(
        new PutSecretValueCommand({
          SecretId: secretId,
          ClientRequestToken: tokenFor(after),
          SecretString: JSON.stringify(doc),
        }),
      );
    } catch (error) {
      // Another process wrote the successor of this version first.
      if (!named(error, 'ResourceExistsException')) throw error;
    }
  }
  const place: DocumentPlace = {
    description: 'secrets-manager',
    read: async () => (await read()).doc,
    async update(change) {
      const { doc, version } = await read();
      const next = await change(doc);
      if (next === doc) return next;
      await write(next, version);
      const { doc: written } = await read();
      if (!written) throw new Error(`KEY_SOURCE: secret ${secretId} is still empty after writing a key`);
      return written;
    },
  };
  return documentSource(place, timetable);
}
