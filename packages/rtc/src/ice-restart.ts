/** What browsers do with an ICE restart that a pair has to know. */

/**
 * Is a new connection the only safe way to a new path? Chromium pairs its new candidates with the other side's old ones, which
 * answer as long as the old path lives. Firefox follows its new ones alone: where Chromium nominates (it made the first offer, so it
 * is the controlling agent, RFC 8445 section 6.1.1), each then waits on another path, and both go on saying `connected`.
 * @param offeredFirst this side made the first offer of the connection
 */
export function needsNewConnection(pc: RTCPeerConnection, offeredFirst: boolean): boolean {
  const fromFirefox = /^o=mozilla/m.test(pc.remoteDescription?.sdp ?? '');
  const amFirefox = /^o=mozilla/m.test(pc.localDescription?.sdp ?? '');
  const pathLives = pc.iceConnectionState !== 'failed' && pc.iceConnectionState !== 'disconnected';
  return offeredFirst && fromFirefox && !amFirefox && pathLives;
}

/** Does a search for a path still go on? `connectionState` may say `connected` all along, because the old path stands. */
export async function isSearching(pc: RTCPeerConnection): Promise<boolean> {
  let searching = false;
  const report = await pc.getStats().catch(() => undefined);
  report?.forEach((s: { type: string; iceState?: RTCIceTransportState }) => {
    if (s.type === 'transport' && s.iceState) searching ||= s.iceState !== 'connected' && s.iceState !== 'completed';
  });
  return searching;
}
