/** How each RTCPeerConnection of a call is made: by which constructor and with which configuration. */
import type { CallOptions } from './call-types.ts';
import type { IceServers } from './ice-servers.ts';

type SetupOptions = Pick<CallOptions, 'RTCPeerConnection' | 'encryption' | 'iceTransportPolicy'>;

export class ConnectionSetup {
  readonly #options: SetupOptions;
  readonly #ice: IceServers;

  constructor(options: SetupOptions, ice: IceServers) {
    this.#options = options;
    this.#ice = ice;
  }

  /** Read when a connection is made, not before: a browser without WebRTC may still join and chat. */
  get RTCPeerConnection(): NonNullable<CallOptions['RTCPeerConnection']> {
    const { RTCPeerConnection: given, encryption } = this.#options;
    return given ?? encryption?.RTCPeerConnection ?? RTCPeerConnection;
  }

  /** With the ICE servers as known now. */
  known(): RTCConfiguration {
    return this.#with(this.#ice.known);
  }

  /** With TURN credentials that are good for a while. Never rejects. */
  async fresh(): Promise<RTCConfiguration> {
    return this.#with(await this.#ice.fresh());
  }

  #with(iceServers: RTCIceServer[]): RTCConfiguration {
    // All but the servers must be the same in every setConfiguration, or it throws (W3C webrtc-pc section 4.4.1.6).
    return {
      iceServers,
      iceTransportPolicy: this.#options.iceTransportPolicy ?? 'all',
      bundlePolicy: 'max-bundle',
      // Who answers has its candidates when it sets its answer: it made the connection while the offer was on its way.
      iceCandidatePoolSize: 1,
    };
  }
}
