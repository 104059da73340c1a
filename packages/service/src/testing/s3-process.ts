/** s3rver in a process of its own: its page tokens need a cipher (DES) that Node has only with --openssl-legacy-provider. */
import { createRequire } from 'node:module';

interface Server {
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
const { port } = await server.run();
// Ends with its parent.
process.once('disconnect', () => process.exit());
process.send?.(port);
