/** Somebody who views one publisher, by an offer of their own. */
import { EngineError, type ViewerLeg } from './engine.ts';
import type { JanusClient } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';

const STREAMING = 'janus.plugin.streaming';

export class JanusViewer extends JanusLeg implements ViewerLeg {
  /** @returns the answer */
  async open(client: JanusClient, mountpoint: string, sdp: string): Promise<string> {
    await this.attach(client, STREAMING);
    const answer = await this.handle.message({ request: 'watch', id: mountpoint }, { type: 'offer', sdp });
    if (!answer.sdp) throw new EngineError('refused', 'janus: nothing of the offer is taken');
    // After the caller has the answer.
    setImmediate(() => this.releaseCandidates());
    return answer.sdp;
  }

  protected plugin(): void {}
}
