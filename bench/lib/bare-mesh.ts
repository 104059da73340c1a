/** A full mesh of bare RTCPeerConnections, as a tutorial has it: what a call of as many people costs this machine without us. */
import type { SdkBrowser } from '../../test/sdk/harness.ts';

/** `people` fresh pages in one browser context, so that those of the bare mesh hear each other. */
export async function freshPages(browser: SdkBrowser, people: number) {
  const context = await (await browser.page()).context().browser()?.newContext();
  if (!context) throw new Error('no browser context');
  const pages = await Promise.all(
    Array.from({ length: people }, async () => {
      const page = await context.newPage();
      await page.goto(browser.origin);
      return page;
    }),
  );
  return { pages, [Symbol.asyncDispose]: () => context.close() };
}

/**
 * Pages that make bare connections at the same moment.
 * @param fps of a cheap picture that is there before; without it each page opens its camera first
 * @returns seconds until the mesh is whole
 */
export async function wholeBareMesh(browser: SdkBrowser, people: number, name: string, fps?: number): Promise<number> {
  await using fresh = await freshPages(browser, people);
  if (fps !== undefined) {
    await Promise.all(fresh.pages.map((page) => page.evaluate((n) => void globalThis.harness.picture(n), fps)));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const started = Date.now();
  const last = await Promise.all(
    fresh.pages.map((page, me) => page.evaluate(callBareMesh, { me, people, name, isCheap: fps !== undefined })),
  );
  return (Math.max(...last) - started) / 1000;
}

interface Heard {
  readonly from: number;
  readonly to?: number;
  /** Is here. */
  readonly hello?: true;
  readonly description?: RTCSessionDescriptionInit;
  readonly candidate?: RTCIceCandidateInit;
}

/**
 * Runs in the page: a pair with each other page of this channel, which has as many.
 * @returns when it had decoded a frame of each, ms since 1970
 */
async function callBareMesh({
  me,
  people,
  name,
  isCheap,
}: {
  me: number;
  people: number;
  name: string;
  isCheap: boolean;
}): Promise<number> {
  const stream = isCheap
    ? globalThis.harness.picture()
    : await navigator.mediaDevices.getUserMedia({
        audio: true,
        video: { width: 320, height: 240, frameRate: 10 },
      });
  const channel = new BroadcastChannel(name);
  const pairs = new Map<number, { pc: RTCPeerConnection; early: RTCIceCandidateInit[] }>();
  const seen: Promise<void>[] = [];
  const say = (to: number, what: object) => channel.postMessage({ from: me, to, ...what });
  const shown = async (receiver: RTCRtpReceiver) => {
    for (let wait = 25; ; wait += 4) {
      let frames = 0;
      (await receiver.getStats()).forEach((s) => {
        if (s.type === 'inbound-rtp') frames = s.framesDecoded ?? 0;
      });
      if (frames > 0) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
  const pairWith = (other: number) => {
    const known = pairs.get(other);
    if (known) return known;
    const pc = new RTCPeerConnection();
    const pair = { pc, early: [] as RTCIceCandidateInit[] };
    pairs.set(other, pair);
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    pc.onicecandidate = ({ candidate }) => candidate && say(other, { candidate: candidate.toJSON() });
    pc.ontrack = ({ track, receiver }) => {
      if (track.kind === 'video') seen.push(new Promise((done) => (track.onunmute = () => done(shown(receiver)))));
      else document.body.append(Object.assign(new Audio(), { srcObject: new MediaStream([track]), autoplay: true }));
    };
    return pair;
  };
  // The first of two offers.
  const offer = async (other: number) => {
    if (pairs.has(other)) return;
    const { pc } = pairWith(other);
    await pc.setLocalDescription();
    say(other, { description: pc.localDescription?.toJSON() });
  };
  const take = async ({ from, description, candidate }: Heard) => {
    const { pc, early } = pairWith(from);
    if (description) {
      await pc.setRemoteDescription(description);
      if (description.type === 'offer') {
        await pc.setLocalDescription();
        say(from, { description: pc.localDescription?.toJSON() });
      }
      for (const one of early.splice(0)) await pc.addIceCandidate(one);
    } else if (candidate && pc.remoteDescription) await pc.addIceCandidate(candidate);
    else if (candidate) early.push(candidate);
  };
  channel.onmessage = ({ data }: { data: Heard }) => {
    if (data.to !== undefined && data.to !== me) return;
    if (!data.hello) void take(data);
    else if (me < data.from) void offer(data.from);
    else if (data.to === undefined) say(data.from, { hello: true });
  };
  channel.postMessage({ from: me, hello: true });
  while (seen.length < people - 1) await new Promise((resolve) => setTimeout(resolve, 25));
  await Promise.all(seen);
  return Date.now();
}
