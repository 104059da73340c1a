'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { inviteLink } from '../../lib/room-name.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import { QrCode } from '../../ui/qr.tsx';

/** Link, copy, share sheet, QR code. */
function InviteTools() {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  const [copied, setCopied] = useState(false);
  const secret = useStore(call, (s) => s.secret);
  const link = inviteLink(room, secret);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div className="invite-tools">
      <QrCode text={link} label={t('call.qr')} />
      <div className="invite-link">
        <output data-testid="invite-link" dir="ltr">
          {decodeURI(link).replace(/^https?:\/\//, '')}
        </output>
        <div className="invite-actions">
          <button
            type="button"
            className="button primary compact"
            onClick={() => {
              navigator.clipboard?.writeText(link).then(
                () => setCopied(true),
                () => {},
              );
            }}
          >
            <Icon name={copied ? 'check' : 'copy'} size={18} />
            <span aria-live="polite">{copied ? t('call.copied') : t('call.copy')}</span>
          </button>
          {'share' in navigator && (
            <button
              type="button"
              className="button compact"
              onClick={() => void navigator.share({ title: t('call.shareTitle'), url: link }).catch(() => {})}
            >
              <Icon name="share" size={18} />
              {t('call.share')}
            </button>
          )}
        </div>
      </div>
    </div>
  );
}

/** Shown while the room is empty: the way to invite somebody. */
export function EmptyRoom() {
  const t = useText();
  // Only people without a tile are here.
  const watchers = useStore(call, (s) => s.peers.length);
  return (
    <section className="empty-room" data-testid="empty-room">
      <h2>{watchers ? t('audience.count', { count: watchers }) : t('call.emptyTitle')}</h2>
      <p className="soft">{t('call.emptyText')}</p>
      <InviteTools />
    </section>
  );
}

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  return (
    <Dialog title={t('call.invite')} onClose={onClose}>
      <p className="soft">{t('call.inviteText')}</p>
      <InviteTools />
    </Dialog>
  );
}
