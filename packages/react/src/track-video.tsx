'use client';
import { useEffect, useRef, type VideoHTMLAttributes } from 'react';

/** What {@link TrackVideo} shows; everything else goes to its `<video>`. */
export interface TrackVideoProps extends Omit<VideoHTMLAttributes<HTMLVideoElement>, 'ref'> {
  readonly track: MediaStreamTrack | undefined;
  /** The element, and null when it goes. Keep the same function. */
  readonly onElement?: (element: HTMLVideoElement | null) => void;
}

/** A video element for one track (or none). Muted: sound has its own elements. `data-upright` says that the picture is taller than wide. */
export function TrackVideo({ track, onElement, ...rest }: TrackVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = track ? new MediaStream([track]) : null;
    // Refused without a gesture on some phones: the muted autoplay attribute retries by itself.
    if (track) video.play().catch(() => {});
    return () => {
      video.srcObject = null;
    };
  }, [track]);
  useEffect(() => {
    onElement?.(ref.current);
    return () => onElement?.(null);
  }, [onElement]);
  return (
    <video
      ref={ref}
      autoPlay
      playsInline
      muted
      {...rest}
      // A phone held upright: a wide tile may show it whole instead of a strip of it.
      onResize={({ currentTarget: v }) => v.toggleAttribute('data-upright', v.videoHeight > v.videoWidth)}
    />
  );
}
