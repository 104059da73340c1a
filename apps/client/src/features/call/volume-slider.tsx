'use client';

interface VolumeSliderProps {
  /** 0 to 1. */
  readonly volume: number;
  readonly onVolume: (volume: number) => void;
  /** Whose, for those who do not see it. */
  readonly label: string;
  readonly testId: string;
  readonly className?: string | undefined;
}

/** How loud something is, in steps of five per cent. */
export function VolumeSlider({ volume, onVolume, label, testId, className }: VolumeSliderProps) {
  return (
    <input
      type="range"
      className={className}
      min={0}
      max={100}
      step={5}
      data-testid={testId}
      value={Math.round(volume * 100)}
      aria-label={label}
      title={label}
      onChange={(event) => onVolume(Number(event.target.value) / 100)}
    />
  );
}
