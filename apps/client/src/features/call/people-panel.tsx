'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';
import { hueOf, initials } from './tile.tsx';

export function PeoplePanel({ onInvite }: { onInvite: () => void }) {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const name = useStore(call, (s) => s.name);
  const hand = useStore(call, (s) => s.hand);
  const mic = useStore(localMedia, (s) => s.audio === 'live' && !s.muted);
  const cam = useStore(localMedia, (s) => s.video === 'live');
  const rows = [
    { id: 'me', name, mine: true, audio: mic, video: cam, hand },
    ...peers.map(({ id, name, audio, video, hand }) => ({ id, name, mine: false, audio, video, hand })),
  ];
  return (
    <div className="panel-scroll">
      <ul className="people-list">
        {rows.map((row) => (
          <li key={row.id} data-testid="person">
            <span className={`avatar small hue-${hueOf(row.id)}`} aria-hidden="true">
              {initials(row.name || t('call.guest'))}
            </span>
            <span className="person-name">
              <bdi>{row.name || t('call.guest')}</bdi>
              {row.mine && ` (${t('call.you')})`}
            </span>
            {row.hand && (
              <>
                <Icon name="hand" size={18} />
                <span className="visually-hidden">{t('call.tileHand')}</span>
              </>
            )}
            {!row.audio && (
              <>
                <Icon name="mic-off" size={18} />
                <span className="visually-hidden">{t('call.tileMuted')}</span>
              </>
            )}
            {!row.video && (
              <>
                <Icon name="cam-off" size={18} />
                <span className="visually-hidden">{t('call.tileCameraOff')}</span>
              </>
            )}
          </li>
        ))}
      </ul>
      <button type="button" className="button" onClick={onInvite}>
        <Icon name="person-add" size={20} />
        {t('call.invite')}
      </button>
    </div>
  );
}
