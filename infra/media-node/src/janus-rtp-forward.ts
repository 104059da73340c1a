/** Forwarding of one publisher's packets to UDP ports, by VideoRoom. */
import type { JanusHandle } from './janus-client.ts';

export interface RtpForward {
  /** Of VideoRoom. */
  readonly control: JanusHandle;
  readonly room: string;
  readonly publisher: string;
}

const LOOPBACK = '127.0.0.1';

/** @param host IPv4 address @returns ids of what forwards, to stop it by. @throws EngineError */
export async function startRtpForward(
  of: RtpForward,
  streams: readonly object[],
  host = LOOPBACK,
): Promise<readonly number[]> {
  const request = {
    ...{ request: 'rtp_forward', room: of.room, publisher_id: of.publisher },
    ...{ host, host_family: 'ipv4', streams },
  };
  // Begun after all: the ports may be another room's by then.
  const undo = (data: Record<string, unknown>) => void stopRtpForward(of, idsOf(data));
  return idsOf((await of.control.message(request, undefined, undo)).data);
}

const idsOf = ({ forwarders = [] }: { forwarders?: unknown }): readonly number[] =>
  (forwarders as readonly { stream_id: number }[]).map(({ stream_id }) => stream_id);

/**
 * Before the ports are given back: the system gives them to the next who asks, who may show another room.
 * One that has ended with its publisher is no fault.
 */
export async function stopRtpForward(of: RtpForward, streams: readonly number[]): Promise<void> {
  const { control, room, publisher } = of;
  for (const stream_id of streams)
    await control.message({ request: 'stop_rtp_forward', room, publisher_id: publisher, stream_id }).catch(() => {});
}
