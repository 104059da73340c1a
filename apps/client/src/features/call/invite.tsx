'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { type MessageKey, useText } from '../../i18n/index.ts';
import { inviteLink, liveLink } from '../../lib/room-name.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import { QrCode } from '../../ui/qr.tsx';

/** Copies a link, and says so for a moment. */
function CopyButton({ link, words, main }: { link: string; words: MessageKey; main?: boolean }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () =>
    void navigator.clipboard?.writeText(link).then(
      () => setCopied(true),
      () => {},
    );
  return (
    <button type="button" className={main ? 'button primary compact' : 'button compact'} onClick={copy}>
      <Icon name={copied ? 'check' : 'copy'} size={18} />
      <span aria-live="polite">{t(copied ? 'call.copied' : words)}</span>
    </button>
  );
}

const shown = (link: string) => decodeURI(link).replace(/^https?:\/\//, '');

/** Link, copy, share sheet, QR code. */
function InviteTools() {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  const secret = useStore(call, (s) => s.secret);
  const link = inviteLink(room, secret);
  return (
    <div className="invite-tools">
      <QrCode text={link} label={t('call.qr')} />
      <div className="invite-link">
        <output data-testid="invite-link" dir="ltr">
          {shown(link)}
        </output>
        <div className="invite-actions">
          <CopyButton link={link} words="call.copy" main />
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

/** The way to watch from outside. None into an encrypted call: no server can show it. */
function LiveLink() {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  const secret = useStore(call, (s) => s.secret);
  if (secret !== undefined) return null;
  const link = liveLink(room);
  return (
    <section className="invite-link">
      <h3>{t('call.watchTitle')}</h3>
      <p className="small soft">{t('call.watchText')}</p>
      <output data-testid="live-link" dir="ltr">
        {shown(link)}
      </output>
      <div className="invite-actions">
        <CopyButton link={link} words="call.watchCopy" />
      </div>
    </section>
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
      <LiveLink />
    </Dialog>
  );
}
