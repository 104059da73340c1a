'use client';
import { useText } from '../../i18n/index.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Switch } from '../settings/switch.tsx';
import { SHORTCUTS } from './use-shortcuts.ts';

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const t = useText();
  return (
    <Dialog title={t('shortcut.title')} onClose={onClose}>
      <Switch name="shortcuts" label={t('shortcut.on')} />
      <dl className="shortcut-list" data-testid="shortcut-sheet">
        {SHORTCUTS.map(([key, label]) => (
          <div key={key}>
            <dt>{t(label)}</dt>
            <dd>
              <kbd>{key === 'space' ? t('shortcut.space') : key.toUpperCase()}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
