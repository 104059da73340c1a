/** The rules that instances of media nodes get, in the kernel's own firewall. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inOwnNetwork } from '../node-kit/testing/isolated.ts';

const folder = import.meta.dirname;
const world = (rules: 'open' | 'closed') => inOwnNetwork('one', join(folder, 'media-firewall.world.ts'), rules);

test('a check to the host itself or into a private network leaves no media port; the public internet is reached', () => {
  const rest = { loopback: ['127.0.0.1', '::1'], other: ['169.254.169.253', '198.51.100.1'] };
  const open = world('open');
  expect(open).toMatchObject(rest);
  expect(open.media).toHaveLength(14);
  expect(world('closed')).toEqual({ ...rest, media: ['198.51.100.9', '2001:db8::9'] });
});

test('a real engine tries what a hostile client names, the kernel refuses it, and the leg goes on with the candidate that works', () => {
  const found = inOwnNetwork('one', join(folder, 'media-firewall-engine.world.ts'));
  expect(found).toMatchObject({ said: ['sender live', 'receiver live'], flows: true, complaints: [] });
  expect(Math.min(found.tried.sender, found.tried.receiver)).toBeGreaterThan(0);
});
