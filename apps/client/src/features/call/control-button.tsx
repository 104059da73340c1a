'use client';
import { Icon, type IconName } from '../../ui/icons.tsx';

export interface ControlProps {
  readonly icon: IconName;
  readonly label: string;
  readonly testId?: string;
  readonly pressed?: boolean;
  /** Shown in the colour of "switched off". */
  readonly off?: boolean;
  readonly danger?: boolean;
  readonly badge?: number;
  /** Only where there is room; the menu has it too. */
  readonly wide?: boolean;
  readonly expanded?: boolean;
  readonly onClick: () => void;
}

/** One round button of the call's bar. */
export function Control(props: ControlProps) {
  const { icon, label, badge, off, danger, wide } = props;
  return (
    <button
      type="button"
      className={`control ${off ? 'off' : ''} ${danger ? 'danger' : ''} ${wide ? 'wide-only' : ''}`}
      data-testid={props.testId}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-label={label}
      title={label}
      onClick={props.onClick}
    >
      <Icon name={icon} />
      {badge ? (
        <span className="badge" aria-hidden="true">
          {badge > 9 ? '9+' : badge}
        </span>
      ) : null}
    </button>
  );
}

/** One line of a menu above the bar. */
export function MenuItem(props: {
  readonly icon: IconName;
  readonly label: string;
  readonly testId?: string;
  /** Class of the screens that show it. */
  readonly where?: string;
  readonly onClick: () => void;
}) {
  return (
    <button
      type="button"
      className={`menu-item ${props.where ?? ''}`}
      data-testid={props.testId}
      onClick={props.onClick}
    >
      <Icon name={props.icon} size={20} />
      {props.label}
    </button>
  );
}
