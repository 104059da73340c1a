/** That the SDK holds the limits which it is given: with shorter ones, against a server that is silent. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { GetObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { AWS_FILE_LIMITS, AWS_LIMITS } from './aws-limits.ts';

/** Of the limits all are shorter, and none is another one. */
const short = <T extends object>({ requestHandler }: { readonly requestHandler: T }) =>
  Object.fromEntries(
    Object.entries(requestHandler).map(([name, value]) => [name, typeof value === 'number' ? 300 : value]),
  );

/** A client of a server that takes each connection, says `head`, and then nothing. */
async function silent(head: string, limits: { readonly requestHandler: object }) {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(head)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: short(limits),
  });
  return {
    client,
    [Symbol.dispose]() {
      client.destroy();
      server.close();
    },
  };
}

test('an endpoint that does not answer is an error', async () => {
  for (const limits of [AWS_LIMITS, AWS_FILE_LIMITS]) {
    using it = await silent('', limits);
    await expect(it.client.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'TimeoutError' });
  }
});

test('a file whose bytes stop coming is an error', async () => {
  using it = await silent('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun', AWS_FILE_LIMITS);
  const { Body } = await it.client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));
  await expect(Body?.transformToString()).rejects.toMatchObject({ name: 'TimeoutError' });
});
