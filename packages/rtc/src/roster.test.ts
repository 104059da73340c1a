/** Who is in the call when the session was lost, with connections that only count. */
import { beforeAll, expect, test, vi } from 'vitest';
import type { Member } from './member.ts';
import { Roster, type RosterHost } from './roster.ts';
import { VirtualTime } from './testing.ts';

class Stream {}
beforeAll(() => void vi.stubGlobal('MediaStream', Stream));

function start() {
  const time = new VirtualTime();
  const said: string[] = [];
  let made = 0;
  const members = new Map<string, Member>();
  const ignored = () => {};
  const host = {
    clock: time,
    members,
    ice: { valid: true },
    prewarmed: { take: ignored },
    pairs: {
      create: (member: Member) => {
        const name = `pair ${++made}`;
        const pair = { start: () => said.push(`${name} starts`), close: () => said.push(`${name} ends`) };
        member.pair = pair as never;
        return pair;
      },
    },
    served: { hasNoPair: () => false },
    sfu: { peerLeft: ignored, expects: () => false },
    limits: { of: () => Infinity, forget: ignored },
    chat: { forget: ignored, metEarlier: ignored },
    isOver: () => false,
    emit: ignored,
    cap: ignored,
    capSoon: ignored,
  };
  const roster = new Roster(host as unknown as RosterHost);
  const bob = { peerId: 'bob', userId: 'b' };
  roster.arrive(bob, true);
  const [member] = members.values();
  if (member) member.state = 'connected';
  roster.depart('bob', 'session-lost');
  return { time, said, members, roster, bob };
}

test('a person whose session lived on is connected anew, and stays', () => {
  const { time, said, members, roster, bob } = start();
  roster.arrive(bob, true);
  expect(said).toEqual(['pair 1 starts', 'pair 1 ends', 'pair 2 starts']);
  time.run(20_000);
  expect([...members.keys()]).toEqual(['bob']);
});

test('a person who is somebody new as well keeps the connection from before until the next one is up', () => {
  const { time, said, members, roster, bob } = start();
  roster.arrive({ ...bob, peerId: 'bob2' }, true);
  expect(said).toEqual(['pair 1 starts', 'pair 2 starts']);
  time.run(1000);
  roster.succeed(members.get('bob2') as Member);
  expect(said.at(-1)).toBe('pair 1 ends');
  time.run(20_000);
  expect([...members.keys()]).toEqual(['bob2']);
});
