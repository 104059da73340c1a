'use client';
import { useText } from '../../i18n/index.ts';
import { useFeature } from '../../lib/look-store.ts';
import { newRoomName } from '../../lib/room-name.ts';
import { Icon } from '../../ui/icons.tsx';
import { Encrypt } from './loaded-encryption.tsx';
import { RoomField } from './loaded-room-field.tsx';
import { type RoomWish, secretFor } from './room-wish.ts';

interface RoomChoiceProps {
  readonly room: RoomWish;
  /** Somebody wanted to join with what is in the field now. */
  readonly asked: boolean;
  readonly onRoom: (room: RoomWish) => void;
}

/** Which room: the new one by name, or a field for a link or a code. A room that came by link is in the title. */
export function RoomChoice({ room, asked, onRoom }: RoomChoiceProps) {
  const t = useText();
  const { secret } = room;
  const fresh = () => onRoom({ from: 'new', name: newRoomName(), secret });
  const offered = useFeature('encryption');
  // What a link decided is said all the same.
  const encrypt = (offered || room.from !== 'new') && (
    <Encrypt secret={secret} onSecret={room.from === 'new' && ((wish) => onRoom({ ...room, secret: wish }))} />
  );
  switch (room.from) {
    case 'link':
      return secret === undefined ? null : encrypt;
    case 'typed':
      return (
        <div className="room-typed">
          <RoomField
            room={room.name}
            asked={asked}
            onRoom={(name) => onRoom({ from: 'typed', name, secret: secretFor(name, name, room) })}
          />
          <button type="button" className="link" data-testid="start-new" onClick={fresh}>
            {t('lobby.startNew')}
          </button>
        </div>
      );
    case 'new':
      return (
        <>
          <div className="room-new">
            <p className="small">
              <span className="soft">{t('lobby.room')}</span> <bdi data-testid="room-name">{room.name}</bdi>
            </p>
            <button
              type="button"
              className="icon-button"
              onClick={fresh}
              aria-label={t('lobby.newRoom')}
              title={t('lobby.newRoom')}
            >
              <Icon name="dice" size={20} />
            </button>
            <button
              type="button"
              className="link"
              data-testid="have-link"
              onClick={() => onRoom({ from: 'typed', name: '' })}
            >
              {t('lobby.haveLink')}
            </button>
          </div>
          {encrypt}
        </>
      );
    default:
      return room.from satisfies never;
  }
}
