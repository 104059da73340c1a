'use client';
import { useText } from '../i18n/index.ts';
import { basePath } from '../lib/runtime-config.ts';
import { Shell } from '../ui/shell.tsx';

export default function NotFound() {
  const t = useText();
  return (
    <Shell>
      <main id="main" className="plain-page">
        <h1>{t('app.notFound')}</h1>
        <a className="button primary" href={`${basePath}/`}>
          {t('app.home')}
        </a>
      </main>
    </Shell>
  );
}
