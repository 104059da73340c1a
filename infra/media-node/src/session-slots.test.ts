import { expect, test } from 'vitest';
import { hasPlainMids, slotsOf, withPorts } from './session-slots.ts';

const section = (kind: string, port: number, mid: string, ...lines: string[]) =>
  [`m=${kind} ${port} UDP/TLS/RTP/SAVPF 96`, `a=mid:${mid}`, ...lines, ''].join('\r\n');

test('the slots of an offer: what is inactive, only received or refused by port 0 is none, what is bundle-only is one', () => {
  const audio = section('audio', 9, '0', 'a=sendonly');
  const of = (...sections: string[]) => [...slotsOf(['v=0\r\n', audio, ...sections].join(''))];
  expect(of(section('video', 9, '1', 'a=sendonly'), section('video', 9, '2', 'a=inactive'))).toEqual([
    ['audio', '0'],
    ['video', '1'],
  ]);
  expect(of(section('video', 0, '1', 'a=sendonly'), section('video', 9, '2', 'a=recvonly'))).toEqual([['audio', '0']]);
  // Firefox: https://www.rfc-editor.org/rfc/rfc9143#section-7.2.1
  const firefox = [section('video', 0, '1', 'a=bundle-only', 'a=sendonly'), section('video', 0, '2', 'a=bundle-only')];
  expect(of(...firefox)).toEqual([
    ['audio', '0'],
    ['video', '1'],
    ['screen', '2'],
  ]);
});

test('a section that is bundle-only gets a port, one that is refused keeps none', () => {
  const offer = (port: number) =>
    [
      section('audio', 9, '0'),
      section('video', port, '1', 'a=bundle-only', 'a=inactive'),
      section('video', 0, '2'),
    ].join('');
  expect(withPorts(offer(0))).toBe(offer(9));
});

test('a section has one plain name of its own, or none', () => {
  const audio = section('audio', 9, '0');
  const plain = (...sections: string[]) => hasPlainMids(['v=0\r\n', ...sections].join(''));
  expect(plain(audio, section('video', 9, 'video-1_a'))).toBe(true);
  expect(plain('m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n', 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n')).toBe(true);
  for (const more of ['a=mid:7', 'A=mid:7', 'a=MID:7', ' a=mid:7', 'a=mid:', 'a=mid'])
    expect(plain(section('audio', 9, '0', more)), more).toBe(false);
  for (const mid of ['0 x', '', ' 0', 'é', '0'.repeat(65)]) expect(plain(section('audio', 9, mid)), mid).toBe(false);
  expect(plain(audio, section('video', 9, '0'))).toBe(false);
});
