/** Whether a call is joined to be seen and heard, from one room to the next. */

import type { CallOptions } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import { localMedia } from '../media/local-media.ts';
import type { CallEventHost } from './call-events.ts';
import { CallModel } from './call-model.ts';
import { readGrants } from './grants.ts';

/** What each call was made with; joining it fails, which ends the attempt. */
const made = vi.hoisted((): { roomId: string; audience: boolean }[] => []);
/** How many more times its code does not arrive. */
const lost = vi.hoisted(() => ({ times: 0 }));
/** The way of each call's media. */
const policies = vi.hoisted((): unknown[] => []);
const publishes = vi.hoisted(() => ({ token: true }));
/** Who hears of each call's events. */
const hosts = vi.hoisted((): CallEventHost[] => []);
/** The microphone that each call was joined with. */
const held = vi.hoisted((): unknown[] => []);
/** How many connections that the lobby made were closed unused. */
const closed = vi.hoisted(() => ({ times: 0 }));
/** What joining fails with, the next one first. */
const joining = vi.hoisted((): Error[] => []);

vi.mock('./report.ts', () => ({
  INTERIM_MS: 60_000,
  prepareReports: async () => {},
  reportCall: () => ({ refused: () => {}, send: () => {}, interim: () => {} }),
}));
vi.mock('./encrypt.ts', () => ({ encryptCall: async () => ({ close: () => {} }) }));
vi.mock('./warm.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('./warm.ts')>()),
  warmUp: async () => {
    if (lost.times-- > 0) throw new Error('Failed to load chunk');
    const payload = btoa(JSON.stringify({ grants: { publish: publishes.token } }));
    // A token comes later than all that is there already: who does not wait for it joins as before.
    const accessToken = () => new Promise((resolve) => setTimeout(resolve, 0, `.${payload}.`));
    return {
      sdk: {
        Call: class {
          session = { state: 'open' };
          constructor({ roomId, audience = false, iceTransportPolicy }: CallOptions) {
            made.push({ roomId, audience });
            policies.push(iceTransportPolicy);
          }
          join = () => Promise.reject(joining.shift() ?? new Error('no server here'));
          leave = () => {};
        },
      },
      session: { state: 'open', on: () => () => {}, accessToken, close: () => {} },
      following: {
        readGrants,
        followCall: (_call: object, host: CallEventHost) => {
          hosts.push(host);
          held.push(localMedia.get().audioTrack);
          return [];
        },
        followMedia: () => () => {},
        watchLevels: () => () => {},
      },
      getConfig: async () => ({ iceTransportPolicy: 'relay' }),
      takePrewarmed: () => ({ close: () => closed.times++ }),
      getIceServers: async () => ({ iceServers: [] }),
      ready: Promise.resolve(),
    };
  },
}));

/** Somebody whose token grants `publish` or not. */
function person(publish: boolean): CallModel {
  publishes.token = publish;
  made.length = 0;
  vi.stubGlobal('MediaStream', class {});
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('removeEventListener', () => {});
  onTestFinished(() => void vi.unstubAllGlobals());
  return new CallModel();
}

test('S-39 what a room took away stays there: the next one is joined as the token says', async () => {
  const model = person(true);
  model.set({ phase: 'ended', watching: true });
  await model.join('next', 'Ada');
  expect(made).toEqual([{ roomId: 'next', audience: false }]);
  expect(policies.at(-1), 'as config.json says at the join').toBe('relay');
});

test('code of a call that did not arrive is asked for again by who joins', async () => {
  const model = person(true);
  lost.times = 2;
  model.warm();
  await vi.waitFor(() => expect(model.get().readiness).toBe('failed'));
  await model.join('late', 'Ada');
  expect([made, model.get().end]).toEqual([[], 'unreachable']);
  model.rejoin();
  await vi.waitFor(() => expect(made).toEqual([{ roomId: 'late', audience: false }]));
});

test('S-51 what a room allowed stays there: who spoke by an invitation watches in the next one', async () => {
  const model = person(false);
  await model.join('podium', 'Zoe', undefined, true);
  await model.join('stalls', 'Zoe');
  expect(made).toEqual([
    { roomId: 'podium', audience: false },
    { roomId: 'stalls', audience: true },
  ]);
});

test('S-51 who accepts to speak where no place is left goes on watching, and reads why', async () => {
  const model = person(false);
  const notify = vi.spyOn(model, 'notify').mockReturnValue();
  joining.push(Object.assign(new Error('full'), { code: 'room_full' }));
  await model.join('podium', 'Zoe', undefined, true);
  expect(made).toEqual([
    { roomId: 'podium', audience: false },
    { roomId: 'podium', audience: true },
  ]);
  expect(notify).toHaveBeenCalledWith('audience.full');
});

test('S-39 who is moved while they look at themselves comes into the other room with camera and microphone closed', async () => {
  const model = person(true);
  vi.stubGlobal('navigator', { mediaDevices: { removeEventListener: () => {} } });
  await model.join('podium', 'Zoe');
  model.set({ phase: 'call', watching: true, invited: true, rehearsing: true });
  localMedia.set({ audio: 'live', video: 'live', audioTrack: { kind: 'audio' } as MediaStreamTrack });
  hosts.at(-1)?.moved({ roomId: 'next', token: '' });
  await vi.waitFor(() => expect(made.at(-1)).toEqual({ roomId: 'next', audience: false }));
  expect(held.at(-1)).toBeUndefined();
});

test('an encrypted call closes the connection that the lobby made, which it cannot use', async () => {
  const model = person(true);
  await model.join('plain', 'Ada');
  expect(closed.times).toBe(0);
  await model.join('sealed', 'Ada', 'secret');
  expect([made.length, closed.times]).toEqual([2, 1]);
});
