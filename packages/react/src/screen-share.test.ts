import type { Call } from '@tandem/rtc';
import { expect, test, vi } from 'vitest';
import { ScreenShare } from './screen-share.ts';

/** A picture that somebody chose in the picker. As in a browser, `stop` of the page's own fires no event. */
class Picture extends EventTarget {
  readonly kind = 'video';
  readyState = 'live';
  stop(): void {
    this.readyState = 'ended';
  }
}

/** A call, and what it sends as `screen`. */
function aCall() {
  const sent: unknown[] = [];
  const call = { state: 'joined', setTrack: async (_slot: string, track: unknown) => void sent.push(track) };
  return { call, sent };
}

test.each<[string, (share: ScreenShare) => unknown]>([
  ['the button', (share) => share.toggle()],
  ['the page, as when a moderator ends it or its component goes', (share) => share.stop()],
])(
  'a share that is ended by %s is taken out of the call, once, also after the page let go of the call',
  async (what, end) => {
    const picture = new Picture();
    const getDisplayMedia = async () => ({ getVideoTracks: () => [picture], getAudioTracks: () => [] });
    vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia } });
    const { call, sent } = aCall();
    let current: Call | undefined = call as unknown as Call;
    const share = new ScreenShare({ current: () => current, changed: () => {} });
    await share.toggle();
    if (what !== 'the button') current = undefined;
    await end(share);
    expect([picture.readyState, sent]).toEqual(['ended', [picture, null]]);
    share.stop();
    expect(sent).toHaveLength(2);
  },
);

test('a share that ends with its call sends nothing to it', async () => {
  const picture = new Picture();
  const getDisplayMedia = async () => ({ getVideoTracks: () => [picture], getAudioTracks: () => [] });
  vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia } });
  const { call, sent } = aCall();
  const share = new ScreenShare({ current: () => call as unknown as Call, changed: () => {} });
  await share.toggle();
  call.state = 'ended';
  share.stop();
  expect([picture.readyState, sent]).toEqual(['ended', [picture]]);
});

test('a call that ends while the picker is open gets no screen, and what was chosen is stopped; later it is not asked for', async () => {
  const picture = new Picture();
  const picked = Promise.withResolvers<object>();
  const getDisplayMedia = vi.fn(() => picked.promise);
  vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia } });
  const { call, sent } = aCall();
  const shown: unknown[] = [];
  const share = new ScreenShare({
    current: () => call as unknown as Call,
    changed: (shared) => shown.push(shared),
  });
  const toggled = share.toggle();
  call.state = 'ended';
  share.stop();
  picked.resolve({ getVideoTracks: () => [picture], getAudioTracks: () => [] });
  await toggled;
  await share.toggle();
  expect([picture.readyState, sent, shown, getDisplayMedia.mock.calls.length]).toEqual(['ended', [], [], 1]);
});
