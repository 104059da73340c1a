/** Relays and webhooks keep away from the same addresses: the registries of IANA are in the code twice, in two forms. */
import { expect, test } from 'vitest';
import { isPublicAddress } from '../apps/hooks/src/delivery/address-guard.ts';
import { DENIED_PEERS } from '../infra/topology/denied-peers.ts';

test('no webhook goes where no relay sends', () => {
  const ends = DENIED_PEERS.flatMap((range) => range.split('-'));
  expect(ends.length).toBeGreaterThan(40);
  expect(ends.filter(isPublicAddress)).toEqual([]);
  expect(['8.8.8.8', '1.1.1.1', '2606:4700::1111'].filter((address) => !isPublicAddress(address))).toEqual([]);
});
