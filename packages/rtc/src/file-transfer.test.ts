/** What a peer may make this client keep while it sends files. */
import { expect, test } from 'vitest';
import { FileTransfer, type ReceivedFile } from './file-transfer.ts';
import { MAX_FILE_BYTES, MAX_PART_BYTES } from './peer-input.ts';
import { VirtualTime } from './testing.ts';

function receiver() {
  const files: ReceivedFile[] = [];
  const transfer = new FileTransfer({
    clock: new VirtualTime(),
    channel: () => undefined,
    received: (file) => files.push(file),
  });
  const part = (bytes: number) => Buffer.alloc(bytes, 'x').toString('base64');
  const begin = (id: string, size: number, peerId = 'bob') =>
    transfer.begin(peerId, { tandem: 'file', id, name: 'a.txt', size });
  const take = (id: string, n: number, bytes: number, peerId = 'bob') =>
    transfer.take(peerId, { tandem: 'file-part', id, n, data: part(bytes) });
  return { files, begin, take };
}

test('a file comes in whole, in full parts and a last one', async () => {
  const { files, begin, take } = receiver();
  begin('f', MAX_PART_BYTES + 10);
  take('f', 0, MAX_PART_BYTES);
  take('f', 1, 10);
  expect(files.map(({ peerId, id, name, size }) => ({ peerId, id, name, size }))).toEqual([
    { peerId: 'bob', id: 'f', name: 'a.txt', size: MAX_PART_BYTES + 10 },
  ]);
  expect((await files[0]?.blob.arrayBuffer())?.byteLength).toBe(MAX_PART_BYTES + 10);
});

test.each([
  [
    'a small part before the last',
    [
      [0, 1],
      [1, MAX_PART_BYTES],
      [2, 9],
    ],
  ],
  ['an empty one', [[0, 0]]],
  ['one out of order', [[1, MAX_PART_BYTES]]],
  [
    'one twice',
    [
      [0, MAX_PART_BYTES],
      [0, 10],
    ],
  ],
  [
    'more than was said',
    [
      [0, MAX_PART_BYTES],
      [1, 11],
    ],
  ],
] as const)('%s ends the file: what follows is of no file', (_, parts) => {
  const { files, begin, take } = receiver();
  begin('f', MAX_PART_BYTES + 10);
  for (const [n, bytes] of parts) take('f', n, bytes);
  take('f', 0, MAX_PART_BYTES);
  take('f', 1, 10);
  expect(files).toEqual([]);
});

test('under way are two files of a peer, and 20 MiB of all', () => {
  const { files, begin, take } = receiver();
  for (const peerId of ['a', 'b', 'c']) for (const id of ['1', '2', '3']) begin(id, MAX_FILE_BYTES, peerId);
  for (const peerId of ['a', 'b', 'c'])
    for (const id of ['1', '2', '3'])
      for (let n = 0; n * MAX_PART_BYTES < MAX_FILE_BYTES; n++)
        take(id, n, Math.min(MAX_PART_BYTES, MAX_FILE_BYTES - n * MAX_PART_BYTES), peerId);
  expect(files.map(({ peerId, id }) => peerId + id)).toEqual(['a1', 'a2', 'b1', 'b2']);
});
