/** The part of the contract about sessions and who owns them; see contract.ts. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { FORCED } from '../types.ts';
import { at, openSession, peerOf, type StartBackplane, session } from './contract-support.ts';

export function sessionContract(start: StartBackplane): void {
  test('B-32 of two writes of one owner about a session the later one stays, whatever order they come in', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    const identity = { userId: 'ada', loginSession: '' };
    await openSession(a, session(p, a.name, { order: 2 }));
    const attached = async () => (await a.findSession(p))?.attached;
    // Came back before it was said that it went.
    await a.syncSession(session(p, a.name, { order: 4 }), true, 1000);
    await a.detachSession(p, at(1, 3), a.name, 60_000);
    expect(await attached()).toBe(true);
    await a.detachSession(p, at(1, 5), a.name, 60_000);
    await a.park(p, ['x']);
    expect(await a.syncSession(session(p, a.name, { order: 4 }), true, 1000)).toEqual({ kind: 'ours', parked: [] });
    expect(await attached()).toBe(false);
    await a.closeSession(p, at(1, 4), identity);
    expect(await a.syncSession(session(p, a.name, { order: 6 }), true, 1000)).toEqual({ kind: 'ours', parked: ['x'] });
    // A node that finds it dead is not behind its owner.
    await a.detachSession(p, { ...FORCED, epoch: 1 }, a.name, 60_000);
    expect(await attached()).toBe(false);
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ session: { epoch: 2, order: 6 } });
    await a.closeSession(p, at(2, 6), identity);
    expect(await attached()).toBeUndefined();
  });

  test('B-12 nobody resumes with another secret, as another user, or a session that is not there', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    expect(await a.resumeSession(p, 'wrong', 'ada')).toEqual({ ok: false });
    expect(await a.resumeSession(p, 'hash', 'eve')).toEqual({ ok: false });
    expect(await a.resumeSession(peerOf('ada'), 'hash', 'ada')).toEqual({ ok: false });
    expect(await a.findSession(p)).toMatchObject({ node: a.name, attached: true });
  });

  test.each([
    ['spaces and braces', 'a b}{c} {d:e', 'l {1} '],
    ['no ASCII at all', '\u{1F468}\u200D\u{1F469} \u00e9\u0301\u2028', 'Anmeldung \u00fc'],
    ['half a character', 'x\ud800', '\udc00 y'],
    ['percent signs and line ends', '%7B%\r\n%', '\t\n'],
    ['as long as may be', '\u{1F600}'.repeat(64), '{'.repeat(64)],
  ])('B-12 users and login sessions are told apart whatever their names: %s', async (_what, userId, loginSession) => {
    await using a = await start('a');
    const [p, q] = [peerOf(userId), peerOf(userId)];
    const identity = { userId, loginSession };
    const of = (peerId: string) => session(peerId, a.name, { userId, loginSession, info: '{"userId":" } {\\n"}' });
    expect(await a.openSession(of(p), identity, { limit: 2 })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.openSession(of(q), identity, { limit: 2, expect: '' })).toEqual({ kind: 'held', by: p });
    // Its own first try was carried out, and the answer lost.
    expect(await a.openSession(of(p), identity, { limit: 2, expect: '' })).toEqual({ kind: 'ours', previous: p });
    for (const other of [`${userId} `, userId.slice(1), ''])
      expect(await a.resumeSession(p, 'hash', other)).toEqual({ ok: false });
    await a.detachSession(p, at(1), a.name, 60_000);
    await a.park(p, ['']);
    const back = await a.resumeSession(p, 'hash', userId);
    if (!back.ok) throw new Error('refused');
    expect(back).toMatchObject({ session: { room: 'room', epoch: 2, info: of(p).info }, parked: [''] });
    // What is no Unicode comes back as such.
    const wellFormed = [back.session.userId, back.session.loginSession].map((text) => text.toWellFormed());
    expect(wellFormed).toEqual([userId.toWellFormed(), loginSession.toWellFormed()]);
    await a.closeSession(p, at(2), identity);
    expect(await a.openSession(of(q), identity, { limit: 1, expect: '' })).toEqual({
      kind: 'ours',
      previous: undefined,
    });
    await a.closeSession(q, at(1), identity);
  });

  test.each(['{', '}{', '{x}y{', 'a b', '\ud800', 'x\n\0', '\u00e9'.repeat(500), '#', 'over'])(
    'B-12 a client may ask for any peer, and hears that there is none: %j',
    async (peerId) => {
      await using a = await start('a');
      expect(await a.resumeSession(peerId, 'hash', 'ada')).toEqual({ ok: false });
      expect(await a.findSession(peerId)).toBeUndefined();
      expect(await a.park(peerId, ['x'])).toEqual({ kind: 'gone' });
      expect(await a.endSession(peerId)).toBeUndefined();
    },
  );

  test('B-13 a detached session is over after its grace', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60);
    await vi.waitFor(async () => expect(await a.findSession(p)).toBeUndefined(), 5000);
    expect(await a.resumeSession(p, 'hash', 'ada')).toEqual({ ok: false });
    expect(await a.park(p, ['x'])).toEqual({ kind: 'gone' });
  });

  test('B-14 a stale owner can neither detach nor sync a session', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    await b.resumeSession(p, 'hash', 'ada');
    await a.detachSession(p, at(1), a.name, 1);
    const by = { node: b.name, epoch: 2 };
    expect(await a.syncSession(session(p, a.name), true, 1000)).toEqual({ kind: 'fenced', by });
    expect(await b.findSession(p)).toMatchObject({ node: b.name, attached: true });
  });

  test('B-14 of two owners of one epoch the store has one: a failover lost the resume of the other', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name, { epoch: 2, order: 3 }));
    const by = { node: a.name, epoch: 2 };
    expect(await b.syncSession(session(p, b.name, { epoch: 2, order: 9 }), true, 1000)).toEqual({ kind: 'fenced', by });
    expect(await a.syncSession(session(p, a.name, { epoch: 2, order: 4 }), true, 1000)).toMatchObject({ kind: 'ours' });
  });

  test('B-14 a stale owner cannot close a session either, nor give its places back', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const userId = randomUUID();
    const p = peerOf(userId);
    const identity = { userId, loginSession: 'l' };
    await a.openSession(session(p, a.name, { userId }), identity, { limit: 5 });
    await b.resumeSession(p, 'hash', userId);
    await a.closeSession(p, at(1), identity);
    expect(await b.findSession(p)).toMatchObject({ node: b.name, attached: true });
    const q = peerOf(userId);
    expect(await a.claim(identity, q, { limit: 5, expect: '' })).toEqual({ kind: 'held', by: p });
    await b.detachSession(p, at(2), b.name, 60_000);
    await b.park(p, ['x']);
    await b.closeSession(p, at(2), identity);
    expect(await b.findSession(p)).toBeUndefined();
    expect(await a.claim(identity, q, { limit: 1, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
    await a.release(identity, q);
    // Of one that is over only the places are left.
    await a.openSession(session(p, a.name, { userId }), identity, { limit: 5 });
    await b.endSession(p);
    await a.closeSession(p, at(1), identity);
    expect(await a.claim(identity, q, { limit: 1, expect: '' })).toEqual({ kind: 'ours', previous: undefined });
    expect(await a.syncSession(session(p, a.name, { userId }), true, 1000)).toEqual({ kind: 'fenced', by: undefined });
  });

  test('B-15 a session that was lost is written again by its owner, and one ended by force is not', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    expect(await a.syncSession(session(p, a.name, { epoch: 3 }), true, 1000)).toEqual({ kind: 'ours', parked: [] });
    expect(await a.findSession(p)).toMatchObject({ node: a.name, attached: true });
    expect(await a.endSession(p)).toEqual({ room: 'room', node: a.name });
    expect(await a.syncSession(session(p, a.name, { epoch: 3 }), true, 1000)).toEqual({
      kind: 'fenced',
      by: undefined,
    });
    expect(await a.resumeSession(p, 'hash', 'ada')).toEqual({ ok: false });
    expect(await a.findSession(p)).toBeUndefined();
  });
}
