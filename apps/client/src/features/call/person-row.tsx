'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon, type IconName } from '../../ui/icons.tsx';
import { PersonModeration } from './moderation.tsx';
import { hueOf, initials } from './tile.tsx';
import { VolumeSlider } from './volume-slider.tsx';

/** One row: what the list says of me and of the others alike. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly isMe: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly hand: boolean;
  readonly encrypts: boolean;
  readonly moderator: boolean;
}

export function useMe(): Person {
  const name = useStore(call, (s) => s.name);
  const hand = useStore(call, (s) => s.hand);
  const audio = useStore(localMedia, (s) => s.audio === 'live' && !s.muted);
  const video = useStore(localMedia, (s) => s.video === 'live');
  const encrypts = useStore(call, (s) => s.secret !== undefined);
  const moderator = useStore(call, (s) => s.moderator);
  return { id: 'me', name, isMe: true, audio, video, hand, encrypts, moderator };
}

function Sign({ icon, words }: { icon: IconName; words: string }) {
  return (
    <>
      <Icon name={icon} size={18} />
      <span className="visually-hidden">{words}</span>
    </>
  );
}

interface PersonRowProps {
  readonly person: Person;
  /** The row's number, from 1, and how many there are: of a long list not all exist. */
  readonly place: { readonly at: number; readonly of: number };
  /** What can be done about this person is shown. */
  readonly open: boolean;
  /** Undefined: close it. */
  readonly onOpen: (id: string | undefined) => void;
}

export function PersonRow({ person, place, open, onOpen }: PersonRowProps) {
  const t = useText();
  const name = person.name || t('call.guest');
  const silenced = useStore(call, (s) => s.volumes[person.id] === 0);
  return (
    <li data-testid="person" aria-posinset={place.at} aria-setsize={place.of}>
      <div className="person">
        <span className={`avatar small hue-${hueOf(person.id)}`} aria-hidden="true">
          {initials(name)}
        </span>
        <span className="person-name">
          <bdi>{name}</bdi>
          {person.isMe && ` (${t('call.you')})`}
          {person.moderator && <small className="soft"> · {t('host.moderates')}</small>}
        </span>
        {person.hand && <Sign icon="hand" words={t('call.tileHand')} />}
        {silenced && <Sign icon="speaker-off" words={t('people.silenced')} />}
        {!person.audio && <Sign icon="mic-off" words={t('call.tileMuted')} />}
        {!person.video && <Sign icon="cam-off" words={t('call.tileCameraOff')} />}
        {!person.isMe && (
          <button
            type="button"
            className="icon-button"
            data-testid="person-more"
            aria-expanded={open}
            aria-label={t('people.more', { name })}
            title={t('people.more', { name })}
            onClick={() => onOpen(open ? undefined : person.id)}
          >
            <Icon name="more" size={20} />
          </button>
        )}
      </div>
      <KeyMissing person={person} />
      {open && <PersonChoices id={person.id} name={name} />}
    </li>
  );
}

/** The two of us cannot see and hear each other, as one has not the secret of the call. */
function KeyMissing({ person }: { person: Person }) {
  const t = useText();
  const secret = useStore(call, (s) => s.secret);
  const without = useStore(call, (s) => s.withoutKey.has(person.id));
  const mine = secret === undefined && person.encrypts && !person.isMe;
  if (!without && !mine) return null;
  return (
    <p className="small soft" data-testid="key-missing">
      {t(mine ? 'people.sealed' : 'people.withoutKey')}
    </p>
  );
}

/** How loud this person is for me, and what a moderator may do. */
function PersonChoices({ id, name }: { id: string; name: string }) {
  const t = useText();
  const volume = useStore(call, (s) => s.volumes[id] ?? 1);
  return (
    <div className="person-choices" data-testid="person-choices">
      <div className="volume-row">
        <span>{t('people.volume')}</span>
        <VolumeSlider
          testId="person-volume"
          label={t('people.volumeOf', { name })}
          volume={volume}
          onVolume={(next) => call.setVolume(id, next)}
        />
      </div>
      <div className="actions">
        <button
          type="button"
          className="button compact"
          data-testid="mute-for-me"
          aria-pressed={volume === 0}
          onClick={() => call.setVolume(id, volume === 0 ? 1 : 0)}
        >
          {t(volume === 0 ? 'people.hear' : 'people.muteForMe')}
        </button>
        <PersonModeration id={id} name={name} />
      </div>
    </div>
  );
}
