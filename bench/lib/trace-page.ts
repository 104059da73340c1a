/** What a page of the SDK's tests did, step by step: for `--trace` of a benchmark. */

/** In the page, before the call: the steps of each connection go into the log. */
export function traceConnections(): void {
  const { log } = globalThis.harness;
  let count = 0;
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    readonly #n = ++count;
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.#note('made');
      for (const name of ['iceConnectionState', 'connectionState'] as const)
        this.addEventListener(`${name.toLowerCase()}change`, () => this.#note(`${name} ${this[name]}`));
    }
    #note(what: string): void {
      log.push({ t: performance.now(), what: 'timing', detail: `connection ${this.#n}: ${what}` });
    }
    override async setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void> {
      await super.setLocalDescription(description);
      this.#note(`local ${this.localDescription?.type}`);
    }
    override async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      this.#note(`got ${description.type}, ${description.sdp?.split('m=').length} sections`);
      await super.setRemoteDescription(description);
      this.#note(`remote ${description.type}`);
    }
  };
}

/** In the page: what happened since then, and the frames around it. */
export function tracedSince(from: number): string {
  const { log } = globalThis.harness;
  const zero = performance.timeOrigin;
  const lines = log
    .filter((l) => l.t + zero > from && (l.what === 'timing' || l.what === 'peer-changed'))
    .map((l) => `${Math.round(l.t + zero - from)} ${JSON.stringify(l.detail)}`);
  const frames = globalThis.harness.moments(from).map((m) => `${m.name}: ${m.frames.map((t) => t - from).join(' ')}`);
  return [...lines, ...frames, ''].join('\n');
}
