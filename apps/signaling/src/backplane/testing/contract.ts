/** What every backplane must do. Run by memory.test.ts and redis.integration.test.ts; rules B-… of docs/service-contracts.md. */
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { Backplane } from '../types.ts';
import { claimContract } from './claim-contract.ts';
import { ms, type StartBackplane } from './contract-support.ts';
import { entryContract } from './entry-contract.ts';
import { grantContract } from './grant-contract.ts';
import { mailboxContract } from './mailbox-contract.ts';
import { memberContract } from './member-contract.ts';
import { roomContract } from './room-contract.ts';
import { sessionContract } from './session-contract.ts';

/** @param connect gives a backplane on the shared state; the suite starts it and disposes of it */
export function backplaneContract(connect: () => Backplane): void {
  const start: StartBackplane = async (name, onBatch = () => {}) => {
    const backplane = connect();
    const node = `${name}-${randomUUID().slice(0, 8)}`;
    await backplane.start(node, { onBatch: (b) => onBatch(Buffer.from(b).toString()), onStale: () => {} });
    return Object.assign(backplane, { name: node });
  };

  memberContract(start);
  entryContract(start);
  roomContract(start);
  grantContract(start);
  sessionContract(start);
  mailboxContract(start);
  claimContract(start);

  test('B-19 a batch reaches the named inbox only, in order, bytes intact; where nobody listens, that is said', async () => {
    const heard: string[] = [];
    await using a = await start('a');
    await using b = await start('b', (batch) => heard.push(batch));
    for (let i = 1; i <= 50; i++) expect(await a.send(b.name, Buffer.from(`\u0001${i} ü`))).toBe(true);
    expect(await a.send(a.name, Buffer.from('\u0001not for b'))).toBe(true);
    expect(await a.send('nobody', Buffer.from('\u0001lost'))).toBe(false);
    await vi.waitFor(() => expect(heard).toHaveLength(50), 5000);
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => `\u0001${i + 1} ü`));
  });

  test('B-20 a beat names who lives, and a node that retired or fell silent is not among them', async () => {
    await using a = await start('a');
    await using b = await start('b');
    await b.beat(60_000);
    expect(await a.beat(60_000)).toEqual(expect.arrayContaining([a.name, b.name]));
    await ms(30);
    expect(await a.beat(20)).not.toContain(b.name);
    await b.beat(60_000);
    await b.retire();
    expect(await a.beat(60_000)).not.toContain(b.name);
  });
}
