'use client';
import type { ReactNode } from 'react';
import { useText } from '../i18n/index.ts';
import { basePath } from '../lib/runtime-config.ts';
import { Logo, useBrandName } from './brand.tsx';

/** Page frame outside a call: brand, actions, content. */
export function Shell({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  const t = useText();
  const name = useBrandName();
  return (
    <div className="page">
      <a className="skip" href="#main">
        {t('app.skip')}
      </a>
      <header className="header">
        <a className="brand" href={`${basePath}/`}>
          <Logo />
          {name}
        </a>
        {actions}
      </header>
      {children}
    </div>
  );
}
