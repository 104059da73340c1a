'use client';
import { useEffect } from 'react';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { areKeysFree } from './use-shortcuts.ts';

interface PagerProps {
  readonly page: number;
  readonly pages: number;
  readonly onPage: (page: number) => void;
}

/** Which page of people is shown, and the way to the others; PageUp and PageDown do the same. */
export function Pager({ page, pages, onPage }: PagerProps) {
  const t = useText();
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      const step = event.key === 'PageDown' ? 1 : event.key === 'PageUp' ? -1 : 0;
      const next = page + step;
      if (step === 0 || next < 0 || next >= pages || !areKeysFree(event)) return;
      event.preventDefault();
      onPage(next);
    };
    addEventListener('keydown', down);
    return () => removeEventListener('keydown', down);
  }, [page, pages, onPage]);
  return (
    <nav className="pager" aria-label={t('call.pages')} data-testid="pager">
      <button
        type="button"
        className="icon-button flip"
        aria-label={t('call.pageBack')}
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        <Icon name="back" size={20} />
      </button>
      <span aria-live="polite">{t('call.page', { page: page + 1, pages })}</span>
      <button
        type="button"
        className="icon-button flip"
        aria-label={t('call.pageNext')}
        disabled={page === pages - 1}
        onClick={() => onPage(page + 1)}
      >
        <Icon name="forward" size={20} />
      </button>
    </nav>
  );
}
