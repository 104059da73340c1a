'use client';
import { Call, type CallOptions, type CallState, type SessionOptions, SignalingSession } from '@tandem/rtc';
import { useEffect, useRef, useState } from 'react';
import { followMove, type Move } from './follow-move.ts';

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
  /**
   * Goes along when your backend sends this person to another room: the call there begins with the token that came with it, if one did. After that
   * `getToken` is asked, and what it gives must be good for that room as well. Default true.
   */
  readonly followsMoves?: boolean;
}

/** What {@link useCall} knows of the call. */
export interface CallInfo {
  /** For everything else: chat, mute, events. Undefined while there is no room. */
  readonly call: Call | undefined;
  /** The room of that call: another one than was asked for once a backend has moved its person, to whom you say so. */
  readonly roomId: string | undefined;
  readonly state: CallState;
  /** Why it is `ended`: the code of a refused join (`room_full`, …), or an end's reason (`kicked`, `roomClosed`, …). */
  readonly reason: string | undefined;
}

const NONE: CallInfo = { call: undefined, roomId: undefined, state: 'idle', reason: undefined };

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? 'failed';

function begin({ roomId, token }: Move, newest: { current: UseCallOptions }): Call {
  const { url, audio, video, metadata, iceTransportPolicy } = newest.current;
  let first = token;
  const getToken: SessionOptions['getToken'] = (request) => {
    const given = first;
    first = undefined;
    return given === undefined ? newest.current.getToken(request) : Promise.resolve(given);
  };
  const session = new SignalingSession({ url, getToken });
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
  const [move, setMove] = useState<Move>();
  const room = roomId === undefined ? undefined : (move?.roomId ?? roomId);
  const newest = useRef(options);
  const sent = useRef<Pick<UseCallOptions, 'audio' | 'video'>>({});
  useEffect(() => {
    newest.current = options;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a move is out of the room that was asked for, and ends with it.
  useEffect(() => () => setMove(undefined), [url, roomId]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `url` is read through `newest`; another one is another call. `move` is read where it made another room.
  useEffect(() => {
    if (room === undefined) return;
    const call = begin({ roomId: room, token: move?.token }, newest);
    const following = followMove(call);
    sent.current = { audio: newest.current.audio, video: newest.current.video };
    setInfo({ call, roomId: room, state: 'joining', reason: undefined });
    const off = call.on('state', ({ state, reason }) => {
      setInfo({ call, roomId: room, state, reason });
      const next = state === 'ended' && newest.current.followsMoves !== false && following.move();
      if (next) setMove(next);
    });
    let over = false;
    const failed = (error: unknown) => !over && setInfo({ call, roomId: room, state: 'ended', reason: codeOf(error) });
    call.join().catch(failed);
    return () => {
      over = true;
      off();
      for (const undo of following.undo) undo();
      call.leave();
      call.session.close();
      setInfo(NONE);
    };
  }, [url, room]);
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
