import type { OutboxEntry, RoomChange } from '@tandem/service/room-events';
import { readOutboxEntry } from '@tandem/service/room-events';
import { expect, test } from 'vitest';
import { briefChanges } from './brief-changes.ts';
import { foldEntry, foldLost, type ToldRoom } from './room-fold.ts';

const entry = (members: number, changes: readonly RoomChange[], firstVersion = 100): OutboxEntry => ({
  ...{ room: 'r', firstVersion, members, changes },
});
const joined = (peerId: string, version: number, isRestored = false): RoomChange => ({
  ...{ kind: 'joined', peerId, version, userId: `u-${peerId}`, isRestored },
});
const left = (peerId: string, version: number, reason: 'left' | 'refused' | 'closed' = 'left'): RoomChange => ({
  ...{ kind: 'left', peerId, version, reason },
});

/** Folds entries one after another, a second apart. */
function fold(entries: readonly OutboxEntry[], from?: ToldRoom) {
  let told = from;
  const events = entries.flatMap((one, i) => {
    const folded = foldEntry(told, one, 1000 * (i + 1));
    told = folded.told;
    return folded.events.map(({ id, body }) => ({ id, body, ...JSON.parse(body) }));
  });
  return { told, events, types: events.map(({ type }) => type as string) };
}

test('E-1 a room starts with its first person and ends with its last, with how many there were and how long', () => {
  const { events, types, told } = fold([
    entry(1, [joined('media~1', 101)]),
    entry(2, [joined('a', 102)]),
    entry(3, [joined('b', 103)]),
    entry(2, [left('a', 104)]),
    entry(1, [left('media~1', 105)]),
    entry(0, [left('b', 106)]),
  ]);
  expect(types).toEqual(['room.started', 'peer.joined', 'peer.joined', 'peer.left', 'peer.left', 'room.ended']);
  expect(events.map(({ sequence }) => sequence)).toEqual([100, 102, 103, 104, 106, 107]);
  expect(events.map(({ data }) => data.numPeers)).toEqual([undefined, 1, 2, 1, 0, undefined]);
  expect(events.at(-2)?.data).toMatchObject({
    userId: 'u-b',
    joinedAt: '1970-01-01T00:00:03.000Z',
    durationSeconds: 3,
  });
  expect(events.at(-1)?.data).toMatchObject({ reason: 'empty', peakPeers: 2, durationSeconds: 4 });
  expect(told).toBeUndefined();
});

test('E-2 the same entries give the same ids, and no two events have one', () => {
  const entries = [
    entry(1, [joined('a', 101)]),
    entry(0, [left('a', 102, 'closed')]),
    entry(1, [joined('a', 201)], 200),
  ];
  const once = fold(entries).events.map(({ id }) => id);
  expect(fold(entries).events.map(({ id }) => id)).toEqual(once);
  expect(new Set(once).size).toBe(6);
  for (const id of once) expect(id).toMatch(/^evt_[a-z2-7]{26}$/);
});

test('E-1 a user id of any characters that auth takes becomes an event, in a body that any sink takes', () => {
  const ids = ['\u2028', '\u2029', '\u00a0', '\ufeff', '\ufffe', '\uffff', '"\\', '\u{1f600}', '\u{10ffff}'].map(
    (c) => `a${c}b`,
  );
  const { events } = fold(
    ids.map((id, i) => readOutboxEntry(`${10 + i} 10 ${i + 1} r\n1 joined p${i} ${JSON.stringify(id)}`)),
  );
  const joins = events.filter(({ type }) => type === 'peer.joined');
  expect(joins.map(({ data }) => data.userId)).toEqual(ids);
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
  for (const { body } of joins) expect(body).toMatch(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
});

test('what was told already is not told again, and who is not known does not leave', () => {
  const { types } = fold([
    entry(1, [joined('a', 101)]),
    entry(1, [joined('a', 102, true)]),
    entry(1, [left('x', 103)]),
  ]);
  expect(types).toEqual(['room.started', 'peer.joined']);
});

test('a room that was lost ends for everybody before another of its name starts', () => {
  const { told } = fold([entry(1, [joined('a', 101)]), entry(2, [joined('b', 102)])]);
  const { types, events } = fold([entry(1, [joined('a', 201, true)], 200)], told);
  expect(types).toEqual(['peer.left', 'peer.left', 'room.ended', 'room.started', 'peer.joined']);
  expect(events.map(({ roomSid }) => roomSid)).toEqual(['100', '100', '100', '200', '200']);
  expect(events[0]?.data).toMatchObject({ reason: 'timeout' });
  expect(events[4]?.data).toMatchObject({ restored: true });
  const lost = foldLost('r', told as ToldRoom, 9000);
  expect(lost.told).toBeUndefined();
  expect(lost.events.map(({ type }) => type)).toEqual(['peer.left', 'peer.left', 'room.ended']);
});

test('E-12 updates of people and settings are events of a room in use, and of nobody who is not known', () => {
  const updated = (peerId: string, version: number) => ({ kind: 'updated', peerId, version }) as const;
  const settings = (version: number) => ({ kind: 'settings', peerId: '-', version, revision: 7 }) as const;
  const { events } = fold([
    entry(1, [settings(100)]),
    entry(1, [joined('a', 101)]),
    entry(1, [updated('a', 102), updated('x', 103)]),
    entry(1, [settings(104)]),
    entry(0, [left('a', 105)]),
  ]);
  expect(events.slice(2, 4).map(({ type, sequence, data }) => [type, sequence, data])).toEqual([
    ['peer.updated', 102, { peerId: 'a', userId: 'u-a', numPeers: 1 }],
    ['room.updated', 104, { etag: '"7"' }],
  ]);
  expect(events).toHaveLength(6);
});

test('E-12 of updates of one peer within one half second the last is told, and one that never stops is told all the same', () => {
  const changes = Array.from({ length: 21 }, (_, i) => ({
    ...{ id: `${i * 100}-0`, at: i * 100 },
    entry: entry(2, [
      { kind: 'updated', peerId: 'a', version: 101 + i },
      ...(i === 1 ? [{ kind: 'updated', peerId: 'b', version: 200 } as const] : []),
    ]),
  }));
  const brief = briefChanges(changes);
  const told = changes.flatMap(({ at, entry: { changes: all } }) =>
    all.filter((change) => !brief.has(change)).map(({ peerId }) => `${peerId} ${at}`),
  );
  expect(told).toEqual(['b 100', 'a 400', 'a 900', 'a 1400', 'a 1900', 'a 2000']);
});

test('E-3 a refused join and a short absence are not told; a hang-up within moments is', () => {
  const away = { kind: 'away', peerId: 'a', version: 103 } as const;
  const back = { kind: 'back', peerId: 'a', version: 104 } as const;
  const at = (ms: number, change: RoomChange) => ({ id: `${ms}-0`, at: ms, entry: entry(1, [change]) });
  const untold = (...entries: ReturnType<typeof at>[]) => [...briefChanges(entries)].map(({ kind }) => kind);
  expect(untold(at(0, joined('a', 101)), at(400, left('a', 102, 'refused')))).toEqual(['joined', 'left']);
  expect(untold(at(0, joined('a', 101)), at(400, left('a', 102)))).toEqual([]);
  expect(untold(at(0, joined('a', 101)), at(600, left('a', 102, 'refused')))).toEqual([]);
  expect(untold(at(0, away), at(400, back))).toEqual(['away', 'back']);
  expect(untold(at(0, away), at(501, back))).toEqual([]);
  expect(untold(at(0, away), at(100, joined('b', 104)), at(300, { ...back, peerId: 'b' }))).toEqual([]);
});

test('R-10 the end of a recording is told with the same id each time, and changes nothing that is told of its room', () => {
  const entries = ['ready', 'failed'].map((status) =>
    readOutboxEntry(`recording r\n{"recordingId":"abcdefghijklmnop","status":"${status}"}`),
  );
  const over = fold(entries);
  expect([over.types, over.told]).toEqual([['recording.ready', 'recording.failed'], undefined]);
  const { told } = fold([entry(1, [joined('a', 101)])]);
  const meanwhile = fold(entries, told);
  expect(meanwhile.told).toEqual(told);
  expect(meanwhile.events).toEqual(over.events);
  expect(over.events[0]).toMatchObject({ roomId: 'r', data: { recordingId: 'abcdefghijklmnop' } });
  expect(new Set(over.events.map(({ id }) => id)).size).toBe(2);
  for (const text of ['{}', 'null', '{"recordingId":"a","status":"paused"}'])
    expect(() => readOutboxEntry(`recording r\n${text}`)).toThrow();
});
