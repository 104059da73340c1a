import type { ReactNode } from 'react';

/** A line with a switch at its end. */
export function SwitchRow(props: {
  label: ReactNode;
  on: boolean;
  testId: string;
  disabled?: boolean;
  onSwitch: (on: boolean) => void;
}) {
  const { label, on, testId, disabled = false, onSwitch } = props;
  return (
    <label className="switch-row">
      <span>{label}</span>
      <input
        type="checkbox"
        role="switch"
        data-testid={testId}
        aria-checked={on}
        checked={on}
        disabled={disabled}
        onChange={(event) => onSwitch(event.target.checked)}
      />
    </label>
  );
}
