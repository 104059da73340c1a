/** The part of the contract about what waits for a session that is away; see contract.ts. */
import { expect, test } from 'vitest';
import { FORCED, MAILBOX } from '../types.ts';
import { at, openSession, peerOf, type StartBackplane, session } from './contract-support.ts';

export function mailboxContract(start: StartBackplane): void {
  test('B-11 a resume takes the session over: next epoch, new node, and the mailbox in order, once', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60_000);
    await a.park(p, ['1', '2']);
    await b.park(p, ['3']);
    const resumed = await b.resumeSession(p, 'hash', 'ada');
    expect(resumed).toEqual({
      ok: true,
      session: session(p, b.name, { epoch: 2 }),
      previousNode: a.name,
      parked: ['1', '2', '3'],
    });
    await b.claim({ userId: 'ada', loginSession: '' }, p, { limit: 0, expect: '' });
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ ok: true, session: { epoch: 3 }, parked: [] });
  });

  test('B-46 what a resume took is handed over again until its node has claimed the session, in front of what came since', async () => {
    await using a = await start('a');
    await using b = await start('b');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60_000);
    await a.park(p, ['1', '2']);
    // Its node never heard the answer, and a node that found it dead said so.
    await a.resumeSession(p, 'hash', 'ada');
    await b.detachSession(p, { ...FORCED, epoch: 2 }, a.name, 60_000);
    await b.park(p, ['3']);
    expect(await b.resumeSession(p, 'hash', 'ada')).toMatchObject({ session: { epoch: 3 }, parked: ['1', '2', '3'] });
    // Nor did this one, which looks it up.
    expect(await b.syncSession(session(p, b.name, { epoch: 3, order: 2 }), true, 1000)).toEqual({
      ...{ kind: 'ours', parked: ['1', '2', '3'] },
    });
    expect(await b.syncSession(session(p, b.name, { epoch: 3, order: 2 }), true, 1000)).toMatchObject({ parked: [] });
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ session: { epoch: 4 }, parked: [] });
  });

  test('B-16 park says where an attached session is; for a dead node it parks, and sync hands over', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    expect(await a.park(p, ['x'])).toEqual({ kind: 'attached', node: a.name });
    expect(await a.park(p, ['x', 'y'], a.name)).toEqual({ kind: 'parked' });
    expect(await a.syncSession(session(p, a.name), true, 1000)).toEqual({ kind: 'ours', parked: ['x', 'y'] });
    expect(await a.syncSession(session(p, a.name), true, 1000)).toEqual({ kind: 'ours', parked: [] });
  });

  test('B-17 a mailbox is bounded in frames and in bytes, and empty again after a resume', async () => {
    await using a = await start('a');
    const p = peerOf('ada');
    await openSession(a, session(p, a.name));
    await a.detachSession(p, at(1), a.name, 60_000);
    const big = 'x'.repeat(MAILBOX.maxBytes / 2);
    expect(await a.park(p, [big])).toEqual({ kind: 'parked' });
    expect(await a.park(p, [big, 'y'])).toEqual({ kind: 'full' });
    await a.resumeSession(p, 'hash', 'ada');
    await a.claim({ userId: 'ada', loginSession: '' }, p, { limit: 0, expect: '' });
    await a.detachSession(p, at(2), a.name, 60_000);
    const small = Array.from({ length: MAILBOX.maxFrames }, (_, i) => `${i}`);
    expect(await a.park(p, small)).toEqual({ kind: 'parked' });
    expect(await a.park(p, ['one more'])).toEqual({ kind: 'full' });
    expect(await a.resumeSession(p, 'hash', 'ada')).toMatchObject({ parked: small });
  });
}
