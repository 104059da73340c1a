import type { SelectHTMLAttributes } from 'react';
import { Icon } from './icons.tsx';

/** The platform's own select in our clothes. */
export function Select(props: SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <span className="select">
      <select {...props} />
      <Icon name="chevron" size={18} />
    </span>
  );
}
