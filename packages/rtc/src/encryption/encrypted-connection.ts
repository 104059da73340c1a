/** Connections whose media is encrypted before it leaves the page, and whose certificate the announcement names. */
import type { TransformOptions } from './frames.ts';

type Native = typeof RTCPeerConnection;

/** The fingerprint (RFC 8122) that session descriptions of connections with this certificate have. */
export async function fingerprintOf(Native: Native, certificate: RTCCertificate): Promise<string> {
  const pc = new Native({ certificates: [certificate] });
  try {
    pc.createDataChannel('fingerprint');
    const { sdp } = await pc.createOffer();
    return fingerprints(sdp ?? '')[0] ?? '';
  } finally {
    pc.close();
  }
}

/** Those of a session description, without repeats. */
export function fingerprints(sdp: string): string[] {
  const found = sdp.matchAll(/^a=fingerprint:(\S+ [0-9A-Fa-f:]+)/gm);
  return [...new Set(Array.from(found, ([, value = '']) => value.toUpperCase()))];
}

/** A constructor for connections that send and show encrypted frames only: each transceiver gets its transforms before it has media. */
export function encryptedConnections(Native: Native, certificate: RTCCertificate, worker: Worker): Native {
  const done = new WeakSet<RTCRtpTransceiver>();
  const protect = (transceiver: RTCRtpTransceiver): RTCRtpTransceiver => {
    if (done.has(transceiver)) return transceiver;
    done.add(transceiver);
    const transform = (side: TransformOptions['side']) =>
      new RTCRtpScriptTransform(worker, { side } satisfies TransformOptions);
    transceiver.sender.transform = transform('send');
    transceiver.receiver.transform = transform('receive');
    preferVp8(transceiver);
    return transceiver;
  };
  return class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, certificates: [certificate] });
      this.addEventListener('track', ({ transceiver }) => protect(transceiver));
    }

    override addTransceiver(track: MediaStreamTrack | string, init?: RTCRtpTransceiverInit): RTCRtpTransceiver {
      return protect(super.addTransceiver(track, init));
    }

    override addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
      const sender = super.addTrack(track, ...streams);
      for (const transceiver of this.getTransceivers()) protect(transceiver);
      return sender;
    }

    override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      await super.setRemoteDescription(description);
      // Sections that the other side does not send in have no `track` event, and may send later.
      for (const transceiver of this.getTransceivers()) protect(transceiver);
    }
  };
}

/** The clear bytes are those of VP8; of H.264 a sender must see the whole frame to pack it (RFC 6184). */
function preferVp8(transceiver: RTCRtpTransceiver): void {
  if (transceiver.receiver.track.kind !== 'video') return;
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const repair = /^video\/(VP8|rtx|red|ulpfec|flexfec-03)$/i;
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => repair.test(mimeType)));
}
