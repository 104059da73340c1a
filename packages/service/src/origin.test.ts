import { expect, test } from 'vitest';
import { originAllowed } from './origin.ts';

const own = (origin: string | undefined, proto?: string) =>
  originAllowed(
    { host: 'calls.example.org', ...(origin ? { origin } : {}), ...(proto ? { 'x-forwarded-proto': proto } : {}) },
    '',
  );

test('S-3 without a list: the host that was asked, no downgrade from https to http, and programs without an origin', () => {
  expect(own('https://calls.example.org', 'https')).toBe(true);
  expect(own('http://calls.example.org', 'https')).toBe(false);
  expect(own('http://calls.example.org', 'http')).toBe(true);
  // A load balancer behind another proxy that ended TLS says what it saw itself.
  expect(own('https://calls.example.org', 'http')).toBe(true);
  expect(own('https://calls.example.org')).toBe(true);
  for (const other of [
    'https://calls.example.org.evil.org',
    'https://evil.org',
    'https://calls.example.org:8443',
    'null',
    'nonsense',
  ])
    expect(own(other, 'https'), other).toBe(false);
  expect(own(undefined, 'https')).toBe(true);
});

test('S-3 with a list: these origins, scheme and port included, and no others', () => {
  const allowed = 'https://a.example.org, https://b.example.org:8443/';
  const from = (origin: string) => originAllowed({ origin, host: 'calls.example.org' }, allowed);
  expect([from('https://a.example.org'), from('https://b.example.org:8443')]).toEqual([true, true]);
  for (const other of ['http://a.example.org', 'https://b.example.org', 'https://calls.example.org'])
    expect(from(other), other).toBe(false);
  expect(originAllowed({ origin: 'https://anywhere.org' }, '*')).toBe(true);
});
