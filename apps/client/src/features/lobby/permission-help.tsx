'use client';
import '../../lib/load-rest.ts';
import { useStore } from '@tandem/react';
import { type MessageKey, useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';

/** Says who refused (browser, system, nobody) and what to do about it. */
export function PermissionHelp() {
  const t = useText();
  const problem = useStore(localMedia, (s) => s.problem);
  const detail = useStore(localMedia, (s) => s.detail);
  if (!problem) return null;
  return (
    <div className="note" role="status" data-testid="permission-help" data-problem={problem}>
      <Icon name="alert" />
      <div>
        <h3>{t(`permission.${problem}Title` as MessageKey)}</h3>
        <p className="small">{t(`permission.${problem}Text` as MessageKey, { detail })}</p>
      </div>
      {problem !== 'insecure' && problem !== 'none' && (
        <div className="actions">
          <button type="button" className="button compact" onClick={() => void localMedia.start()}>
            {t('permission.again')}
          </button>
        </div>
      )}
    </div>
  );
}
