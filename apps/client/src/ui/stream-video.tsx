'use client';
import { useEffect, useRef, type VideoHTMLAttributes } from 'react';

/** A video element for one track (or none). Muted: sound has its own elements. */
export function TrackVideo({
  track,
  onElement,
  ...rest
}: { track: MediaStreamTrack | undefined; onElement?: (element: HTMLVideoElement | null) => void } & Omit<
  VideoHTMLAttributes<HTMLVideoElement>,
  'ref'
>) {
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
      // A phone held upright: a wide tile shows it whole instead of a strip of it (stage.css).
      onResize={({ currentTarget: v }) => v.toggleAttribute('data-upright', v.videoHeight > v.videoWidth)}
    />
  );
}
