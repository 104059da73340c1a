/** @tandem/react: hooks and components of a call. */
export { followMove, type Move } from './follow-move.ts';
export { LevelBar, type LevelBarProps } from './level-bar.tsx';
export { audioContext, LevelMeter, toMeter } from './level-meter.ts';
export { PeerAudio, type PeerAudioProps } from './peer-audio.tsx';
export { type PeerView, viewOf } from './peer-view.ts';
export { ScreenShare, type ScreenShareHost, type Shared } from './screen-share.ts';
export { Speakers, type Speaking, sameSet } from './speakers.ts';
export { Store, useStore } from './store.ts';
export { TrackVideo, type TrackVideoProps } from './track-video.tsx';
export { type CallInfo, type UseCallOptions, useCall } from './use-call.ts';
export { usePeers } from './use-peers.ts';
export { type MyScreen, useScreenShare } from './use-screen-share.ts';
export { useSpeaking } from './use-speaking.ts';
