'use client';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

interface SidePanelProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** The panel beside the stage. Escape closes it, and the focus goes back to what had it before. */
export function SidePanel({ title, onClose, children }: SidePanelProps) {
  const t = useText();
  const ref = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  // Before the panel's own parts take the focus.
  useLayoutEffect(() => {
    before.current = document.activeElement;
  }, []);
  useEffect(() => {
    // Opened from a menu: that has given the focus back to its button by now.
    if (before.current === document.body && !ref.current?.contains(document.activeElement))
      before.current = document.activeElement;
    return () => {
      // Focus that was in the panel is nowhere now; one that somebody put elsewhere stays there.
      if (document.activeElement !== document.body && document.activeElement !== null) return;
      const from = before.current;
      // Its line in the header went when the panel opened: what had the focus then was the body, which takes none.
      const isThere = from instanceof HTMLElement && from !== document.body && from.checkVisibility();
      (isThere ? from : document.getElementById('main'))?.focus();
    };
  }, []);
  return (
    <aside
      ref={ref}
      className="panel"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        onClose();
      }}
    >
      <div className="panel-head">
        <h2>{title}</h2>
        <button type="button" className="icon-button" onClick={onClose} aria-label={t('app.close')}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </aside>
  );
}
