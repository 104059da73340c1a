/** Who has which key when people come and leave: three with the secret, whose messages are sealed and opened, without media. */
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { SignalingSession } from '../session.ts';
import { Encryption } from './call-encryption.ts';
import type { SenderKey } from './frame-cipher.ts';
import type { WorkerMessage } from './frames.ts';
import { newSecret } from './room-keys.ts';

afterEach(() => vi.unstubAllGlobals());

class Connection {
  static generateCertificate = async () => ({});
  createDataChannel = () => {};
  createOffer = async () => ({ sdp: 'a=fingerprint:sha-256 AA:BB' });
  close = () => {};
}

type Hear = (event: unknown) => void;
interface Member {
  readonly encryption: Encryption;
  readonly hears: (name: string, event: unknown) => void;
  /** What it encrypts with. */
  readonly mine: SenderKey[];
  /** What it was given by others. */
  readonly theirs: { owner: string; key: SenderKey }[];
}

/** @param lost so many messages are given up */
async function room(names: readonly string[], lost = 0) {
  vi.stubGlobal('RTCRtpScriptTransform', class {});
  const secret = newSecret();
  const inside = new Map<string, Member>();
  for (const name of names) {
    const heard = new Map<string, Hear>();
    const [mine, theirs]: [SenderKey[], Member['theirs']] = [[], []];
    const session = {
      peerId: name,
      on: (event: string, hear: Hear) => {
        heard.set(event, hear);
        return () => heard.delete(event);
      },
      sendTo: async (to: string, _type: string, { data }: { data: unknown }) => {
        if (lost-- > 0) return { ok: false, reason: 'overflow' };
        await inside.get(to)?.encryption.open(name, data);
        return { ok: true, confirmed: true };
      },
    };
    const postMessage = (message: WorkerMessage) => {
      if (message.type === 'send-with') mine.push(message.key);
      if (message.type === 'receive-with') theirs.push({ owner: message.owner, key: message.key });
    };
    const encryption = await Encryption.create({
      ...{ session: session as unknown as SignalingSession, roomId: 'room', secret },
      worker: { postMessage, terminate: () => {} } as unknown as Worker,
      RTCPeerConnection: Connection as unknown as typeof RTCPeerConnection,
    });
    onTestFinished(() => encryption.close());
    inside.set(name, { encryption, mine, theirs, hears: (event, said) => heard.get(event)?.(said) });
  }
  const of = (name: string) => inside.get(name) as Member;
  const meet = (one: string, other: string) => {
    for (const [who, whom] of [
      [one, other],
      [other, one],
    ] as const)
      of(who).hears('peer-joined', { peer: { peerId: whom, metadata: of(whom).encryption.metadata } });
  };
  return { of, meet };
}

const given = ({ theirs }: Member, owner: string) => theirs.filter((one) => one.owner === owner).map(({ key }) => key);

test('who comes gets a later generation of each key; who leaves is given no key that is used from then on', async () => {
  const { of, meet } = await room(['ada', 'bob', 'eve']);
  const [ada, bob, eve] = [of('ada'), of('bob'), of('eve')];
  meet('ada', 'bob');
  await vi.waitFor(() => expect(given(bob, 'ada')).toHaveLength(1));
  const [toBob] = given(bob, 'ada');
  meet('eve', 'ada');
  meet('eve', 'bob');
  await vi.waitFor(() => expect(given(eve, 'ada')).toHaveLength(1));
  const [toEve] = given(eve, 'ada');
  // The same key, moved on one way: Bob derives what Eve was sent, and Eve cannot go back.
  expect(toEve).toMatchObject({ id: toBob?.id, generation: (toBob?.generation ?? 0) + 1 });
  expect(toEve?.material).not.toEqual(toBob?.material);
  await vi.waitFor(() => expect(eve.encryption.trust('ada')).toBe('trusted'));

  for (const who of [ada, bob]) who.hears('peer-left', { peer: { peerId: 'eve' }, reason: 'left' });
  const last = () => ada.mine.at(-1);
  await vi.waitFor(() => expect(last()?.id).not.toBe(toBob?.id), { timeout: 10_000 });
  expect(given(bob, 'ada')).toContainEqual(last());
  expect(given(eve, 'ada')).toEqual([toEve]);
});

test('what is sealed for one peer, and opened of it, is ready in the order it was given; a failure stops nothing', async () => {
  const { of, meet } = await room(['ada', 'bob']);
  const [ada, bob] = [of('ada').encryption, of('bob').encryption];
  meet('ada', 'bob');
  const numbers = Array.from({ length: 60 }, (_, n) => n);
  const data = (n: number) => ({ n, more: 'x'.repeat(n % 2 ? 0 : 40_000) });
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const sealed: { n: number; box: unknown }[] = [];
  const failed = expect(ada.seal('bob', circle)).rejects.toThrow(TypeError);
  await Promise.all(numbers.map(async (n) => sealed.push({ n, box: await ada.seal('bob', data(n)) })));
  await failed;
  expect(sealed.map(({ n }) => n)).toEqual(numbers);
  const opened: unknown[] = [];
  const nothing = bob.open('ada', { tandem: 'sealed', box: 'AAAA' });
  await Promise.all(sealed.map(async ({ box }) => opened.push(await bob.open('ada', box))));
  expect(await nothing).toBeUndefined();
  expect(opened.map((message) => (message as { n: number }).n)).toEqual(numbers);
});

test('a key that was given up is given again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  // Both lose their first one, and one its second one.
  const { of, meet } = await room(['ada', 'bob'], 3);
  meet('ada', 'bob');
  const [ada, bob] = [of('ada'), of('bob')];
  const bothHaveIt = async () => {
    await vi.advanceTimersByTimeAsync(1000);
    expect([given(ada, 'bob'), given(bob, 'ada')]).toMatchObject([[bob.mine.at(-1)], [ada.mine.at(-1)]]);
  };
  await vi.waitFor(bothHaveIt, { timeout: 20_000 });
});
