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

/** Numbers by which the worker knows who receives what, by track. */
export type ReceiverIds = WeakMap<MediaStreamTrack, number>;

export interface EncryptedConnections {
  readonly connections: Native;
  readonly receivers: ReceiverIds;
}

/** A constructor for connections that send and show encrypted frames only: each transceiver gets its transforms before it has media. */
export function encryptedConnections(
  Native: Native,
  certificate: RTCCertificate,
  worker: Worker,
): EncryptedConnections {
  const done = new WeakSet<RTCRtpTransceiver>();
  const receivers: ReceiverIds = new WeakMap();
  let lastId = 0;
  const protect = (transceiver: RTCRtpTransceiver): RTCRtpTransceiver => {
    if (done.has(transceiver)) return transceiver;
    done.add(transceiver);
    const transform = (options: TransformOptions) => new RTCRtpScriptTransform(worker, options);
    const receiver = ++lastId;
    receivers.set(transceiver.receiver.track, receiver);
    transceiver.sender.transform = transform({ side: 'send' });
    transceiver.receiver.transform = transform({ side: 'receive', receiver });
    preferVp8(transceiver);
    return transceiver;
  };
  // Methods of each connection, not of a class: pages and extensions replace RTCPeerConnection by what returns plain ones.
  const connections = new Proxy(Native, {
    construct(_, [configuration]: [RTCConfiguration?]) {
      const pc = new Native({ ...configuration, certificates: [certificate] });
      const { addTransceiver, addTrack } = pc;
      const setRemote = pc.setRemoteDescription.bind(pc) as (description: RTCSessionDescriptionInit) => Promise<void>;
      const protectAll = () => {
        for (const transceiver of pc.getTransceivers()) protect(transceiver);
      };
      pc.addEventListener('track', protectAll);
      pc.addTransceiver = (...given) => protect(addTransceiver.apply(pc, given));
      pc.addTrack = (...given) => {
        const sender = addTrack.apply(pc, given);
        protectAll();
        return sender;
      };
      pc.setRemoteDescription = async (description: RTCSessionDescriptionInit) => {
        await setRemote(description);
        // Sections that the other side does not send in have no `track` event, and may send later.
        protectAll();
      };
      return pc;
    },
  });
  return { connections, receivers };
}

/** The clear bytes are those of VP8; of H.264 a sender must see the whole frame to pack it (RFC 6184). */
function preferVp8(transceiver: RTCRtpTransceiver): void {
  if (transceiver.receiver.track.kind !== 'video') return;
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const repair = /^video\/(VP8|rtx|red|ulpfec|flexfec-03)$/i;
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => repair.test(mimeType)));
}
