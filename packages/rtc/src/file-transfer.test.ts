/** What a peer may make this client keep while it sends files, and what a sender is told. */
import { expect, test } from 'vitest';
import { FileTransfer, type ReceivedFile } from './file-transfer.ts';
import { type FileState, MAX_FILE_BYTES, MAX_PART_BYTES, readPeerMessage } from './peer-input.ts';
import { VirtualTime } from './testing.ts';

const full = Buffer.alloc(MAX_PART_BYTES, 'x').toString('base64');
const part = (bytes: number) => (bytes === MAX_PART_BYTES ? full : Buffer.alloc(bytes, 'x').toString('base64'));

function receiver() {
  const time = new VirtualTime();
  const files: ReceivedFile[] = [];
  const said: string[] = [];
  const transfer = new FileTransfer({
    clock: time,
    channel: () => undefined,
    say: (peerId, { id, state }) => said.push(`${peerId}${id} ${state}`),
    received: (file) => files.push(file),
  });
  const begin = (id: string, size: number, peerId = 'bob') =>
    transfer.begin(peerId, { tandem: 'file', id, name: 'a.txt', size });
  const take = (id: string, n: number, bytes: number, peerId = 'bob') =>
    transfer.take(peerId, { tandem: 'file-part', id, n, data: part(bytes) });
  return { time, files, said, begin, take };
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

test('a third file of a peer takes the place of its own oldest one, and that is said', () => {
  const { files, said, begin, take } = receiver();
  for (const id of ['1', '2', '3']) begin(id, 1);
  begin('4', 1, 'eve');
  for (const id of ['1', '2', '3']) take(id, 0, 1);
  expect(files.map(({ id }) => id)).toEqual(['2', '3']);
  expect(said).toEqual([
    'bob1 begun',
    'bob2 begun',
    'bob1 dropped',
    'bob3 begun',
    'eve4 begun',
    'bob2 whole',
    'bob3 whole',
  ]);
});

test('20 MiB that came are kept of all, not what was promised; the file that stood still longest goes for more', () => {
  const { files, said, begin, take } = receiver();
  const peers = ['a', 'b', 'c', 'd', 'e', 'f'];
  const parts = Math.ceil(MAX_FILE_BYTES / MAX_PART_BYTES);
  const send = (peerId: string, from: number, to: number) => {
    for (let n = from; n < to; n++) take('1', n, Math.min(MAX_PART_BYTES, MAX_FILE_BYTES - n * MAX_PART_BYTES), peerId);
  };
  for (const peerId of peers) begin('1', MAX_FILE_BYTES, peerId);
  // All but the last part of five: that is more than 20 MiB.
  for (const peerId of ['b', 'a', 'c', 'd', 'e']) send(peerId, 0, parts - 1);
  expect(said.filter((one) => one.endsWith('dropped'))).toEqual(['f1 dropped', 'b1 dropped']);
  for (const peerId of peers) send(peerId, parts - 1, parts);
  expect(files.map(({ peerId }) => peerId)).toEqual(['a', 'c', 'd', 'e']);
});

test('of one who floods, 30 files are taken and then one a second; what is not taken is said', () => {
  const { time, files, said, begin, take } = receiver();
  for (let n = 0; n < 5000; n++) {
    begin(`${n}`, 1);
    take(`${n}`, 0, 1);
    time.run(1);
  }
  begin('of another', 1, 'cyd');
  take('of another', 0, 1, 'cyd');
  expect(files.map(({ id }) => id)).toEqual([
    ...Array.from({ length: 30 }, (_, n) => `${n}`),
    ...['1000', '2000', '3000', '4000'],
    'of another',
  ]);
  expect(said.filter((one) => one.endsWith('dropped'))).toHaveLength(5000 - 34);
});

test('whatever a file has in it, a browser does not run it as a page', () => {
  const { files, begin, take } = receiver();
  begin('f', 1);
  take('f', 0, 1);
  expect(files[0]?.blob.type).toBe('application/octet-stream');
});

/** Ada's files to Bob by a line of 1 MB/s. @param old Bob does not say what became of them; @param lives so many messages, then the line breaks */
function line({ old = false, lives = Number.POSITIVE_INFINITY } = {}) {
  const time = new VirtualTime();
  const got: string[] = [];
  let channel: RTCDataChannel;
  const connect = (left: number) => {
    const one = {
      readyState: 'open',
      bufferedAmount: 0,
      send(text: string) {
        if (left-- <= 0) one.readyState = 'closed';
        if (one.readyState !== 'open') throw new Error('closed');
        one.bufferedAmount += text.length;
        const message = readPeerMessage(text, 0);
        time.setTimeout(() => {
          one.bufferedAmount -= text.length;
          if (message?.tandem === 'file') bob.begin('ada', message);
          else if (message?.tandem === 'file-part') bob.take('ada', message);
        }, one.bufferedAmount / 1000);
      },
    };
    channel = one as unknown as RTCDataChannel;
  };
  connect(lives);
  const back = (message: FileState) => time.setTimeout(() => old || ada.heard('bob', message), 10);
  const bob = new FileTransfer({
    clock: time,
    channel: () => undefined,
    say: (_, message) => void back(message),
    received: ({ name }) => got.push(name),
  });
  const ada = new FileTransfer({ clock: time, channel: () => channel, say: () => {}, received: () => {} });
  const send = async (...names: string[]) => {
    const file = new Blob([new Uint8Array(names.length > 9 ? 9 : 300_000)]);
    const said = Promise.all(names.map((name) => ada.send(file, name, ['bob'])));
    // Blobs are read in a turn of their own.
    const over = said.then(() => true);
    while (!(await Promise.race([over, new Promise((done) => setImmediate(done, false))]))) await time.settle(100);
    return (await said).map((one) => one.get('bob'));
  };
  return { time, got, connect, send, bob, back };
}

test.each([false, true])(
  'files that are sent at once go one after another, and all arrive (a receiver of old: %s)',
  async (old) => {
    const { got, send } = line({ old });
    const names = ['1.jpg', '2.jpg', '3.jpg', '4.jpg'];
    expect(await send(...names)).toEqual([true, true, true, true]);
    expect(got).toEqual(names);
  },
);

test('of many files at once each arrives: the sender keeps to what a receiver takes', async () => {
  const { got, send } = line();
  const names = Array.from({ length: 50 }, (_, n) => `${n}.jpg`);
  expect(await send(...names)).toEqual(names.map(() => true));
  expect(got).toEqual(names);
});

test('after two tries that broke off, the third arrives', async () => {
  const { got, send, connect } = line({ lives: 3 });
  const tries = [await send('a')];
  connect(3);
  tries.push(await send('a'));
  connect(1000);
  tries.push(await send('a'));
  expect(tries).toEqual([[false], [false], [true]]);
  expect(got).toEqual(['a']);
});

test('what its receiver dropped, or never had whole, was not sent', async () => {
  const dropped = line();
  dropped.time.setTimeout(() => {
    for (const id of ['x', 'y']) dropped.bob.begin('ada', { tandem: 'file', id, name: id, size: 1 });
  }, 150);
  expect(await dropped.send('a')).toEqual([false]);
  const silent = line();
  silent.bob.take = () => {};
  expect(await silent.send('a')).toEqual([false]);
});
