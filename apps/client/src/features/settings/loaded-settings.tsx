'use client';
import { useText } from '../../i18n/index.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Broken, loadedPart } from '../../ui/part.tsx';

/** The settings, loaded when they are first opened; the dialog is there even when they cannot be loaded. */
export const SettingsDialog = loadedPart<{ onClose: () => void }>(
  async () => (await import('./settings-dialog.tsx')).SettingsDialog,
  { fallback: (retry, { onClose }) => <BrokenSettings retry={retry} onClose={onClose} /> },
);

function BrokenSettings({ retry, onClose }: { retry: () => void; onClose: () => void }) {
  const t = useText();
  return (
    <Dialog title={t('settings.title')} onClose={onClose}>
      <Broken retry={retry} />
    </Dialog>
  );
}
