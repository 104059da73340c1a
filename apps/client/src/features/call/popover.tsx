'use client';
import { type ReactNode, useEffect, useRef } from 'react';

/** A small menu above its button. Closes on Escape, on a choice, on a click elsewhere; focus goes back. */
export function Popover({ label, onClose, children }: { label: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.querySelector<HTMLElement>('button, select, input')?.focus();
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose();
    };
    const away = (event: PointerEvent) => {
      if (!ref.current?.parentElement?.contains(event.target as Node)) onClose();
    };
    addEventListener('keydown', key);
    addEventListener('pointerdown', away);
    return () => {
      removeEventListener('keydown', key);
      removeEventListener('pointerdown', away);
      if (before instanceof HTMLElement) before.focus();
    };
  }, [onClose]);
  return (
    <fieldset ref={ref} className="popover" aria-label={label}>
      {children}
    </fieldset>
  );
}
