'use client';
import '../../lib/load-rest.ts';
import { Encryption, newSecret } from '@tandem/rtc/encryption';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

export interface EncryptProps {
  readonly secret: string | undefined;
  /** False: the link decided. */
  readonly onSecret: false | ((secret: string | undefined) => void);
}

/** Of a new call: shall it be encrypted end to end? Of a link: that it is. */
export function Encrypt({ secret, onSecret }: EncryptProps) {
  const t = useText();
  if (!onSecret)
    return (
      <p className="encrypted small" data-testid="lobby-encrypted">
        <Icon name="lock" size={18} />
        {t('lobby.encrypted')}
      </p>
    );
  if (!Encryption.isSupported) return null;
  const on = secret !== undefined;
  return (
    <label className="switch-row">
      <span>
        {t('lobby.encrypt')}
        <span className="switch-hint small soft">{t('lobby.encryptHint')}</span>
      </span>
      <input
        type="checkbox"
        role="switch"
        data-testid="switch-encryption"
        aria-checked={on}
        checked={on}
        onChange={(event) => onSecret(event.target.checked ? newSecret() : undefined)}
      />
    </label>
  );
}
