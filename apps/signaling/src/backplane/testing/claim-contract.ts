/** The part of the contract about the places of a user and of a login session; see contract.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { userTag } from '../types.ts';
import { peerOf, type StartBackplane, session } from './contract-support.ts';

export function claimContract(start: StartBackplane): void {
  test('B-18 one login session, one holder; with `expect` only if nobody else has it', async () => {
    await using a = await start('a');
    const id = { userId: randomUUID(), loginSession: 'l' };
    const [o = '', p = '', q = '', r = '', s = ''] = [...'opqrs'].map((name) => name + userTag(id.userId));
    const any = { limit: 0 };
    const other = { ...id, loginSession: 'other' };
    expect(await a.claim(id, p, any)).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.claim(other, o, { ...any, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.claim(id, q, any)).toEqual({ kind: 'ours', previous: p });
    expect(await a.claim(id, r, { ...any, expect: '' })).toEqual({ kind: 'held', by: q });
    expect(await a.claim(id, r, { ...any, expect: q })).toEqual({ kind: 'ours', previous: q });
    await a.release(id, q);
    expect(await a.claim(id, s, { ...any, expect: '' })).toEqual({ kind: 'held', by: r });
    await a.release(id, r);
    expect(await a.claim(id, s, { ...any, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
  });

  test('B-29 sessions of one user are limited over all nodes, also those that share a login session', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const userId = randomUUID();
    const shared = { userId, loginSession: '' };
    const three = { limit: 3 };
    const peer = (name: string) => name + userTag(userId);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 ? a : b).claim(i < 4 ? shared : { userId, loginSession: `l${i}` }, peer(`p${i}`), three),
      ),
    );
    const holders = results.flatMap((r, i) => (r.kind === 'ours' ? [i] : []));
    expect(holders).toHaveLength(3);
    expect(results.filter((r) => r.kind === 'full')).toHaveLength(5);
    const [first = 0] = holders;
    const identity = first < 4 ? shared : { userId, loginSession: `l${first}` };
    // Whoever is in may claim again, and a replacement takes the place of whom it replaces.
    expect(await a.claim(identity, peer(`p${first}`), three)).toMatchObject({ kind: 'ours' });
    const stranger = randomUUID();
    expect(await a.claim({ userId: stranger, loginSession: '' }, userTag(stranger), three)).toMatchObject({
      kind: 'ours',
    });
    await a.release(identity, peer(`p${first}`));
    expect(await a.claim({ userId, loginSession: 'new' }, peer('new'), three)).toMatchObject({ kind: 'ours' });
    expect(await b.claim({ userId, loginSession: 'new' }, peer('newer'), three)).toEqual({
      kind: 'ours',
      previous: peer('new'),
    });
    const full = await b.claim(shared, peer('more'), three);
    expect(full.kind === 'full' && [...full.others].sort()).toEqual(
      [...holders.slice(1).map((i) => peer(`p${i}`)), peer('newer')].sort(),
    );
  });

  test('B-30 a session is opened with its places taken, or not at all', async () => {
    await using a = await start('a');
    const [p, q] = [peerOf('eve'), peerOf('eve')];
    const of = (peerId: string) => session(peerId, a.name, { userId: 'eve', loginSession: p });
    const identity = { userId: 'eve', loginSession: p };
    expect(await a.openSession(of(p), identity, { limit: 0 })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.openSession(of(q), identity, { limit: 0, expect: '' })).toEqual({ kind: 'held', by: p });
    expect(await a.openSession(of(q), { ...identity, loginSession: '' }, { limit: 1 })).toMatchObject({ kind: 'full' });
    expect(await a.findSession(q)).toBeUndefined();
    expect(await a.openSession(of(q), identity, { limit: 0 })).toEqual({ kind: 'ours', previous: p });
    // Its answer may have been given up: asked again, it still says who is to go.
    expect(await a.openSession(of(q), identity, { limit: 0 })).toEqual({ kind: 'ours', previous: p });
    for (const peerId of [p, q])
      expect(await a.findSession(peerId)).toEqual({ node: a.name, epoch: 1, room: 'room', attached: true });
    for (const peerId of [p, q]) await a.release(identity, peerId);
  });
}
