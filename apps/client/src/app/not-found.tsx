'use client';
import { useText } from '../i18n/index.ts';
import { basePath } from '../lib/runtime-config.ts';
import { Shell } from '../ui/shell.tsx';

export default function NotFound() {
  const t = useText();
  return (
    <Shell>
      <main id="main" className="plain-page">
        <h1>404</h1>
        <p>{t('app.notFound')}</p>
        <a className="button" href={`${basePath}/`}>
          {t('app.home')}
        </a>
      </main>
    </Shell>
  );
}
