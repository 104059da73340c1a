/**
 * A connection made ready before there is anybody to call. The first RTCPeerConnection of a page is slow (threads, codecs,
 * certificate), and so is its first offer: in the lobby they delay no call.
 */
import { Connection } from './connection.ts';
import { SLOTS, type Slot } from './pair-types.ts';

type Native = new (configuration: RTCConfiguration) => RTCPeerConnection;

/**
 * A peer connection that gathers its ICE candidates before the call, so that the first pair connects sooner.
 *
 * @public
 */
export class PrewarmedConnection {
  readonly #Native: Native | undefined;
  #connection: Connection | undefined;
  #offer: Promise<RTCSessionDescriptionInit> | undefined;

  /** @param Native default: the browser's RTCPeerConnection */
  constructor(Native?: Native) {
    this.#Native = Native;
  }

  /** Make one, unless there is one. It uses no network and no server until a call opens it. */
  prepare(): void {
    if (this.#connection) return;
    const connection = new Connection(this.#Native ?? RTCPeerConnection, { bundlePolicy: 'max-bundle' });
    for (const slot of SLOTS) connection.addSlot(slot, null);
    this.#connection = connection;
    this.#offer = connection.pc.createOffer();
    this.#offer.catch(() => this.close());
  }

  /** Gather candidates for its offer, while the room has yet to say who is there. */
  open(configuration: RTCConfiguration, track: (slot: Slot) => MediaStreamTrack | null): void {
    this.prepare();
    const connection = this.#connection;
    if (!connection || connection.offered !== undefined) return;
    connection.pc.setConfiguration(configuration);
    connection.setTracks(track);
    connection.offered = (async () => {
      const offer = await this.#offer;
      connection.offer = offer?.sdp;
      await connection.pc.setLocalDescription(offer);
    })();
    connection.offered.catch(() => {});
  }

  /** The opened connection, for the pair that makes the first offer. */
  take(): Connection | undefined {
    const connection = this.#connection;
    if (connection?.offered === undefined) return undefined;
    this.#connection = undefined;
    return connection;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
