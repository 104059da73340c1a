'use client';
import '../../lib/load-rest.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

/** In place of camera and microphone: this person watches and listens only, so the browser is asked for neither. */
export function Watching() {
  const t = useText();
  return (
    <section className="lobby-preview watching" data-testid="lobby-watching">
      <Icon name="eye" size={40} />
      <h2>{t('audience.watching')}</h2>
      <p className="soft">{t('audience.text')}</p>
    </section>
  );
}
