'use client';
import type { ReactNode } from 'react';
import { useHosted } from '../embed/hosted.ts';
import { useText } from '../i18n/index.ts';
import { basePath } from '../lib/runtime-config.ts';
import { Logo, useBrandName } from './brand.tsx';

/** No link to a fragment: that of the address has the secret of an encrypted call. */
function skip(): void {
  const main = document.getElementById('main');
  if (!main) return;
  main.tabIndex = -1;
  main.focus();
}

/** Page frame outside a call: brand, actions, content. */
export function Shell({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  const t = useText();
  const name = useBrandName();
  const hosted = useHosted();
  return (
    <div className="page">
      <header className="header">
        <button type="button" className="skip" onClick={skip}>
          {t('app.skip')}
        </button>
        {hosted ? (
          <span className="brand">
            <Logo />
            {name}
          </span>
        ) : (
          <a className="brand" href={`${basePath}/`}>
            <Logo />
            {name}
          </a>
        )}
        {actions}
      </header>
      {children}
    </div>
  );
}
