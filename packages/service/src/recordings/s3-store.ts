/** Recordings in a bucket. What encrypts them (SSE-KMS) and how long they stay are the bucket's own settings. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { AWS_FILE_LIMITS } from '../aws-limits.ts';
import { putInParts } from './s3-parts.ts';
import { checkKey, type RecordingStore, type StoredFile } from './store.ts';

/** A file above this size is put in parts of as much, bytes: one PUT takes at most 5 GiB. */
const PART_BYTES = 64 * 1024 * 1024;
/** Most keys of one answer, and of one request that removes. */
const PAGE_KEYS = 1000;

export class S3Store implements RecordingStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #partBytes: number;
  readonly #pageKeys: number;

  /**
   * Region, credentials and address are those of the environment (AWS_REGION, the task's role, AWS_ENDPOINT_URL_S3 for another server).
   * @param bucket exists
   */
  constructor(bucket: string, { partBytes = PART_BYTES, pageKeys = PAGE_KEYS } = {}) {
    this.#bucket = bucket;
    this.#partBytes = partBytes;
    this.#pageKeys = pageKeys;
    // Servers other than AWS may have no name for each bucket, and not know its checksums behind the body.
    const other = { forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' } as const;
    this.#client = new S3Client({
      ...AWS_FILE_LIMITS,
      maxAttempts: 5,
      ...(process.env.AWS_ENDPOINT_URL_S3 === undefined ? {} : other),
    });
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: checkKey(key) };
  }

  async put(key: string, body: Uint8Array | string): Promise<void> {
    // Without it the SDK warns, on stderr, of an empty one.
    await this.#client.send(
      new PutObjectCommand({ ...this.#at(key), Body: body, ContentLength: Buffer.byteLength(body) }),
    );
  }

  async putFile(key: string, path: string): Promise<void> {
    const { size } = await stat(path);
    if (size > this.#partBytes) return putInParts(this.#client, this.#at(key), path, { size, most: this.#partBytes });
    await this.#client.send(
      new PutObjectCommand({ ...this.#at(key), Body: createReadStream(path), ContentLength: size }),
    );
  }

  async read(key: string): Promise<Readable | undefined> {
    const found = await this.#get(key);
    return found as Readable | undefined;
  }

  async text(key: string): Promise<string | undefined> {
    return (await this.#get(key))?.transformToString();
  }

  async #get(key: string) {
    try {
      return (await this.#client.send(new GetObjectCommand(this.#at(key)))).Body;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async *#pages(prefix: string, Delimiter?: string): AsyncGenerator<ListObjectsV2CommandOutput> {
    let ContinuationToken: string | undefined;
    do {
      const asked = {
        Bucket: this.#bucket,
        Prefix: checkKey(prefix),
        ContinuationToken,
        Delimiter,
        MaxKeys: this.#pageKeys,
      };
      const page: ListObjectsV2CommandOutput = await this.#client.send(new ListObjectsV2Command(asked));
      yield page;
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async list(prefix: string, only?: { readonly below: false }): Promise<readonly StoredFile[]> {
    const files: StoredFile[] = [];
    for await (const { Contents } of this.#pages(prefix, only && '/'))
      for (const { Key, Size, LastModified } of Contents ?? [])
        if (Key !== undefined) files.push({ key: Key, bytes: Size ?? 0, at: LastModified?.getTime() ?? 0 });
    return files;
  }

  async folders(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { CommonPrefixes } of this.#pages(prefix, '/'))
      for (const { Prefix = '' } of CommonPrefixes ?? []) names.push(Prefix.slice(prefix.length, -1));
    return names;
  }

  async remove(prefix: string, last?: string): Promise<void> {
    const keys = (await this.list(prefix)).map(({ key }) => key);
    const isLast = (key: string) => key === `${prefix}${last}`;
    await this.#removeKeys(keys.filter((key) => !isLast(key)));
    await this.#removeKeys(keys.filter(isLast));
  }

  async #removeKeys(keys: readonly string[]): Promise<void> {
    for (let i = 0; i < keys.length; i += this.#pageKeys) {
      const Objects = keys.slice(i, i + this.#pageKeys).map((Key) => ({ Key }));
      const asked = { Bucket: this.#bucket, Delete: { Objects, Quiet: true } };
      const { Errors = [] } = await this.#client.send(new DeleteObjectsCommand(asked));
      if (Errors[0]) throw new Error(`not deleted: ${Errors.length} files (${Errors[0].Code})`);
    }
  }

  url(key: string, { fileName, seconds }: { readonly fileName: string; readonly seconds: number }): Promise<string> {
    const ResponseContentDisposition = `attachment; filename="${fileName}"`;
    const ResponseContentType = 'application/octet-stream';
    const get = new GetObjectCommand({ ...this.#at(key), ResponseContentDisposition, ResponseContentType });
    return getSignedUrl(this.#client, get, { expiresIn: seconds });
  }
}
