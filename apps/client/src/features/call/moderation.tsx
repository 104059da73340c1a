'use client';
import { useStore } from '@tandem/react';
import { useState } from 'react';
import { call } from '../../call/call-model.ts';
import { noteMoved } from '../../call/given-back.ts';
import { useText } from '../../i18n/index.ts';
import { SwitchRow } from '../../ui/switch-row.tsx';
import { EntryChoice } from './waiting-people.tsx';

const focus = (element: HTMLElement | null) => element?.focus();

interface ConfirmedProps {
  readonly label: string;
  readonly about?: string;
  readonly sure: string;
  readonly testId: string;
  readonly onSure: () => void;
}

/** What cannot be taken back is asked once more, in place. The focus goes to what takes the button's place. */
export function Confirmed(props: ConfirmedProps) {
  const t = useText();
  const [asking, setAsking] = useState<boolean>();
  const { about, sure } = props;
  if (!asking)
    return (
      <button
        ref={asking === false ? focus : undefined}
        type="button"
        className="button compact"
        data-testid={props.testId}
        aria-label={about === undefined ? undefined : `${props.label}: ${about}`}
        onClick={() => setAsking(true)}
      >
        {props.label}
      </button>
    );
  return (
    <>
      <button
        type="button"
        className="button compact danger"
        data-testid={`${props.testId}-sure`}
        aria-label={about === undefined || sure.includes(about) ? undefined : `${sure}: ${about}`}
        onClick={() => {
          setAsking(false);
          props.onSure();
        }}
      >
        {sure}
      </button>
      <button ref={focus} type="button" className="button compact" onClick={() => setAsking(false)}>
        {t('lobby.cancel')}
      </button>
    </>
  );
}

async function toAudience(id: string): Promise<void> {
  if (await call.moderate((session) => session.grant(id, { publish: false }))) noteMoved(id);
}

/** Lets somebody only watch. */
function ToAudience({ id, name }: { id: string; name: string }) {
  const t = useText();
  return (
    <button
      type="button"
      className="button compact"
      data-testid="to-audience"
      aria-label={`${t('host.toAudience')}: ${name}`}
      onClick={() => void toAudience(id)}
    >
      {t('host.toAudience')}
    </button>
  );
}

/** What somebody with the grant `kick` may do to one person. Others do not see it, and the server would refuse them (S-41). */
export function PersonModeration({ id, name }: { id: string; name: string }) {
  const t = useText();
  const moderator = useStore(call, (s) => s.moderator);
  const host = useStore(call, (s) => s.host && s.moderator);
  const peer = useStore(call, (s) => s.peers.find((one) => one.id === id));
  if (!moderator) return null;
  // The server refuses it (S-51).
  const outranks = host || !peer?.moderatorByToken;
  const moderates = t(peer?.moderator ? 'host.unmakeModerator' : 'host.makeModerator');
  return (
    <>
      {peer?.audio && (
        <button
          type="button"
          className="button compact"
          data-testid="mute-person"
          aria-label={`${t('host.mute')}: ${name}`}
          onClick={() => void call.moderate((session) => session.requestMute(id, 'audio'))}
        >
          {t('host.mute')}
        </button>
      )}
      {peer?.video && (
        <button
          type="button"
          className="button compact"
          aria-label={`${t('host.cameraOff')}: ${name}`}
          onClick={() => void call.moderate((session) => session.requestMute(id, 'video'))}
        >
          {t('host.cameraOff')}
        </button>
      )}
      {outranks && <ToAudience id={id} name={name} />}
      {host && peer && (
        <button
          type="button"
          className="button compact"
          data-testid="make-moderator"
          aria-label={`${moderates}: ${name}`}
          onClick={() => void call.moderate((session) => session.grant(id, { kick: !peer.moderator }))}
        >
          {moderates}
        </button>
      )}
      {outranks && (
        <Confirmed
          label={t('host.remove')}
          about={name}
          sure={t('host.removeSure', { name })}
          testId="remove-person"
          onSure={() => void call.moderate((session) => session.kick(id))}
        />
      )}
    </>
  );
}

const PERMISSIONS = { share: 'host.mayShare', chat: 'host.mayChat', look: 'host.mayLook' } as const;

/** What people who are no moderators may do. */
function Permissions() {
  const t = useText();
  const may = useStore(call, (s) => s.roomEntry);
  return (
    <fieldset className="permissions titled">
      <legend>{t('host.may')}</legend>
      {(Object.keys(PERMISSIONS) as (keyof typeof PERMISSIONS)[]).map((part) => {
        const on = may?.[part] !== false;
        return (
          <SwitchRow
            key={part}
            label={t(PERMISSIONS[part])}
            on={on}
            testId={`may-${part}`}
            onSwitch={(next) =>
              void call.moderate((session) => session.setEntry(may?.entry ?? 'open', { [part]: next }))
            }
          />
        );
      })}
    </fieldset>
  );
}

/** The same for everybody at once. */
export function RoomModeration() {
  const t = useText();
  const moderator = useStore(call, (s) => s.moderator);
  const talking = useStore(call, (s) => s.peers.some(({ audio }) => audio));
  if (!moderator) return null;
  return (
    <section className="room-moderation" data-testid="moderation">
      <h3>{t('host.title')}</h3>
      <EntryChoice />
      <Permissions />
      <div className="actions">
        <button
          type="button"
          className="button compact"
          data-testid="mute-all"
          disabled={!talking}
          onClick={() => void call.muteAll()}
        >
          {t('host.muteAll')}
        </button>
        <Confirmed
          label={t('host.end')}
          sure={t('host.endSure')}
          testId="end-for-all"
          onSure={() => void call.moderate((session) => session.closeRoom())}
        />
      </div>
    </section>
  );
}
