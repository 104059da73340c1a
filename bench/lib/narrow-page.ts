/** In the pages of `npm run bench -- narrow`. */

export interface Reading {
  /** By the page's clock, ms. */
  readonly at: number;
  /** Made so far, closed ones too. */
  readonly connections: number;
  /** Of the picture that was decoded last; 0 before the first. */
  readonly lines: number;
  /** Of sound and pictures together, with the headers of RTP. */
  readonly bytes: number;
  /** Samples of sound that were played, and those of them that were made up, silence not counted. */
  readonly samples: number;
  readonly madeUp: number;
  /** Time that samples waited in the jitter buffer, s, summed over those that left it. */
  readonly waited: number;
  readonly emitted: number;
  /** Packets of sound that arrived, and requests to repeat some (NACK). */
  readonly packets: number;
  readonly asked: number;
}

/** The camera of this page is as tall as that and full of detail: each size takes the bits that it may. */
export function sendDetailed(lines: number): void {
  const width = Math.round((lines * 16) / 9);
  const canvas = Object.assign(document.createElement('canvas'), { width, height: lines });
  const context = canvas.getContext('2d');
  const paint = () => {
    if (!context) return;
    for (let i = 0; i < 300; i++) {
      context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
      context.fillRect(Math.random() * width, Math.random() * lines, 40, 40);
    }
  };
  setInterval(paint, 100);
  const [sound] = globalThis.harness.picture().getAudioTracks();
  globalThis.harness.picture = () =>
    new MediaStream([...canvas.captureStream(10).getVideoTracks(), ...(sound ? [sound] : [])]);
}

/** Of the connection that is open. */
export async function readIncoming(): Promise<Reading> {
  globalThis.harness.shown();
  const { length } = globalThis.harness.connections;
  const sounds = { samples: 0, madeUp: 0, waited: 0, emitted: 0, packets: 0, asked: 0 };
  const sum = { at: performance.now(), connections: length, lines: 0, bytes: 0, ...sounds };
  for (const connection of globalThis.harness.connections)
    for (const stat of (await connection.getStats()).values()) {
      if (stat.type !== 'inbound-rtp') continue;
      sum.bytes += stat.bytesReceived + stat.headerBytesReceived;
      if (stat.kind === 'video') sum.lines = stat.frameHeight ?? 0;
      else {
        sum.samples += stat.totalSamplesReceived ?? 0;
        sum.madeUp += (stat.concealedSamples ?? 0) - (stat.silentConcealedSamples ?? 0);
        sum.waited += stat.jitterBufferDelay ?? 0;
        sum.emitted += stat.jitterBufferEmittedCount ?? 0;
        sum.packets += stat.packetsReceived ?? 0;
        sum.asked += stat.nackCount ?? 0;
      }
    }
  return sum;
}

/** What this page saw and did, for whoever asks why. */
export function tellSteps(): string {
  const { log, connections } = globalThis.harness;
  return [
    ...log.map(({ t, what, detail }) => `${t} ${what} ${JSON.stringify(detail)}`),
    ...connections.map((one) => `${one.connectionState} ${one.iceConnectionState}`),
    JSON.stringify(globalThis.harness.shown()),
  ].join('\n');
}

/** Packets of sound that this page sent again, by the browser's own count. */
export async function repeatedSound(): Promise<number> {
  let sum = 0;
  for (const connection of globalThis.harness.connections)
    for (const stat of (await connection.getStats()).values())
      if (stat.type === 'outbound-rtp' && stat.kind === 'audio') sum += stat.retransmittedPacketsSent ?? 0;
  return sum;
}
