import { expect, test } from 'vitest';
import { parseTurnUri } from './turn-uri.ts';

test('URIs of RFC 7065 (section 3.1 and appendix A), with their default ports', () => {
  const short = (text: string) => {
    const uri = parseTurnUri(text);
    return uri && [uri.transport, uri.host, uri.port];
  };
  expect(short('turn:example.org')).toEqual(['udp', 'example.org', 3478]);
  expect(short('turns:example.org')).toEqual(['tls', 'example.org', 5349]);
  expect(short('turn:example.org:8000')).toEqual(['udp', 'example.org', 8000]);
  expect(short('turn:192.0.2.1:3478?transport=udp')).toEqual(['udp', '192.0.2.1', 3478]);
  expect(short('turn:[2001:db8::1]:3478?transport=tcp')).toEqual(['tcp', '2001:db8::1', 3478]);
  expect(short('turns:turn.example.org:443?transport=tcp')).toEqual(['tls', 'turn.example.org', 443]);
});

test('anything else is none of them', () => {
  for (const text of ['', 'stun:example.org', 'turn://example.org', 'turn:', 'turn:a:0', 'turn:a:70000', 'turn:a?x=y'])
    expect(parseTurnUri(text), text).toBeUndefined();
});
