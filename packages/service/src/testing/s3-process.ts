/** s3rver in a process of its own: its page tokens need a cipher (DES) that Node has only with --openssl-legacy-provider. */
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';

interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly content: Buffer | NodeJS.ReadableStream;
  readonly metadata: object;
}
interface Store {
  putObject(object: StoredObject): Promise<{ size: number; md5: string }>;
  getObject(bucket: string, key: string, options?: object): Promise<unknown>;
  putMetadata(bucket: string, key: string, metadata: object, md5: string): Promise<void>;
  getResourcePath(bucket: string, key: string, resource: string): string;
}
interface Server {
  readonly store: Store;
  run(): Promise<{ port: number }>;
}
type ServerClass = new (options: object) => Server;
// It brings no types.
const S3rver = createRequire(import.meta.url)('s3rver') as ServerClass;

const [directory = '', bucket = ''] = process.argv.slice(2);
const server = new S3rver({
  ...{ directory, port: 0, address: '127.0.0.1', silent: true },
  configureBuckets: [{ name: bucket }],
});
keepWhole(server.store);
const { port } = await server.run();
// Ends with its parent.
process.once('disconnect', () => process.exit());
process.send?.(port);

/**
 * S3 keeps objects whole: an upload that breaks off leaves what was there, and who reads meanwhile gets the old one or the new one. s3rver empties its
 * file first, so that a client which dies during an upload takes with it what it had kept before.
 */
function keepWhole(store: Store): void {
  const writing = new Map<string, Promise<unknown>>();
  let count = 0;
  const write = async ({ bucket, key, metadata }: StoredObject, content: Buffer) => {
    const path = store.getResourcePath(bucket, key, 'object');
    const unfinished = `${path}.${++count}`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(unfinished, content);
    await rename(unfinished, path);
    const md5 = createHash('md5').update(content).digest('hex');
    await store.putMetadata(bucket, key, metadata, md5);
    return { size: content.length, md5 };
  };
  store.putObject = async (object) => {
    const { bucket, key, content } = object;
    const whole = Buffer.isBuffer(content) ? content : await buffer(content);
    const name = `${bucket}/${key}`;
    const done = Promise.resolve(writing.get(name))
      .catch(() => {})
      .then(() => write(object, whole));
    writing.set(name, done);
    try {
      return await done;
    } finally {
      if (writing.get(name) === done) writing.delete(name);
    }
  };
  const get = store.getObject.bind(store);
  store.getObject = async (bucket, key, options) => {
    await writing.get(`${bucket}/${key}`)?.catch(() => {});
    return get(bucket, key, options);
  };
}
