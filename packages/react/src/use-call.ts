'use client';
import { Call, type CallOptions, type CallState, type SessionOptions, SignalingSession } from '@tandem/rtc';
import { useEffect, useRef, useState } from 'react';

/** What {@link useCall} needs: where, who, and what to send. */
export interface UseCallOptions {
  /** Where signaling listens, e.g. `/ws/signal`. Another one: another call. */
  readonly url: string;
  /** The room. Another one: another call; undefined: none. */
  readonly roomId: string | undefined;
  /** Gives an access token; the newest function is asked. */
  readonly getToken: SessionOptions['getToken'];
  /** STUN and TURN servers; the newest function is asked. Default: none, host candidates only. */
  readonly getIceServers?: CallOptions['getIceServers'];
  /** The microphone, while it is to be sent. It is yours: the call never stops it. */
  readonly audio?: MediaStreamTrack | undefined;
  /** The camera, in the same way. */
  readonly video?: MediaStreamTrack | undefined;
  /** What to say of me, e.g. `{ name }`; read when the call begins. Later: `call.setMetadata`. */
  readonly metadata?: CallOptions['metadata'];
  /** `relay` forces TURN; read when the call begins. Default `all`. */
  readonly iceTransportPolicy?: CallOptions['iceTransportPolicy'];
}

/** What {@link useCall} knows of the call. */
export interface CallInfo {
  /** For everything else: chat, mute, events. Undefined while there is no room. */
  readonly call: Call | undefined;
  readonly state: CallState;
  /** Why it is `ended`: the code of a refused join (`room_full`, …), or an end's reason (`kicked`, `roomClosed`, …). */
  readonly reason: string | undefined;
}

const NONE: CallInfo = { call: undefined, state: 'idle', reason: undefined };

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? 'failed';

function begin(options: UseCallOptions, roomId: string, newest: { current: UseCallOptions }): Call {
  const { url, audio, video, metadata, iceTransportPolicy } = options;
  const session = new SignalingSession({ url, getToken: (request) => newest.current.getToken(request) });
  return new Call({
    session,
    roomId,
    stream: new MediaStream([audio, video].filter((track) => track !== undefined)),
    getIceServers: async (request) => (await newest.current.getIceServers?.(request)) ?? { iceServers: [] },
    ...(metadata ? { metadata } : {}),
    ...(iceTransportPolicy ? { iceTransportPolicy } : {}),
  });
}

/** A call for as long as the component is there and `roomId` is given. Tracks may come, change and go: nothing is negotiated for it. */
export function useCall(options: UseCallOptions): CallInfo {
  const { url, roomId, audio, video } = options;
  const [info, setInfo] = useState(NONE);
  const newest = useRef(options);
  const sent = useRef<Pick<UseCallOptions, 'audio' | 'video'>>({});
  useEffect(() => {
    newest.current = options;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `url` is read through `newest`; another one is another call.
  useEffect(() => {
    if (roomId === undefined) return;
    const call = begin(newest.current, roomId, newest);
    sent.current = { audio: newest.current.audio, video: newest.current.video };
    setInfo({ call, state: 'joining', reason: undefined });
    const off = call.on('state', ({ state, reason }) => setInfo({ call, state, reason }));
    let over = false;
    call.join().catch((error: unknown) => !over && setInfo({ call, state: 'ended', reason: codeOf(error) }));
    return () => {
      over = true;
      off();
      call.leave();
      call.session.close();
      setInfo(NONE);
    };
  }, [url, roomId]);
  const { call } = info;
  useEffect(() => {
    if (!call) return;
    for (const [slot, track] of [
      ['audio', audio],
      ['video', video],
    ] as const) {
      if (sent.current[slot] === track) continue;
      sent.current = { ...sent.current, [slot]: track };
      void call.setTrack(slot, track ?? null);
    }
  }, [call, audio, video]);
  return info;
}
