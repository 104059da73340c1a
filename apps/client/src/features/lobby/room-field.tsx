'use client';
import '../../lib/load-rest.ts';
import { useId, useState } from 'react';
import { useText } from '../../i18n/index.ts';
import { roomFrom } from '../../lib/room-name.ts';

export interface RoomFieldProps {
  readonly room: string;
  /** Somebody wanted to join with what is in the field now. */
  readonly asked: boolean;
  readonly onRoom: (name: string) => void;
}

/** The room's name. While somebody types, half a name is no mistake; afterwards, or by link, it is, and says why. */
export function RoomField({ room, asked, onRoom }: RoomFieldProps) {
  const t = useText();
  const ids = useId();
  const [touched, setTouched] = useState<'no' | 'typing' | 'left'>('no');
  const wanted = roomFrom(room);
  const judged = asked || touched === 'left' || (touched === 'no' && room !== '');
  const refused = judged && 'refused' in wanted ? wanted : undefined;
  const hint = !refused
    ? t('lobby.roomHint')
    : refused.refused === 'character'
      ? t('lobby.roomCharacter', { character: refused.character })
      : t(refused.refused === 'too_long' ? 'lobby.roomTooLong' : 'lobby.needRoom');
  return (
    <div className="field">
      <label htmlFor={`${ids}r`}>{t('lobby.linkOrCode')}</label>
      <div dir="ltr">
        <input
          id={`${ids}r`}
          className="input"
          data-testid="room-input"
          value={room}
          onChange={(event) => {
            onRoom(event.target.value);
            setTouched('typing');
          }}
          onBlur={() => {
            setTouched('left');
            if ('id' in wanted) onRoom(wanted.id);
          }}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          dir="auto"
          aria-invalid={refused !== undefined}
          aria-describedby={`${ids}rh`}
        />
      </div>
      <p
        id={`${ids}rh`}
        className={refused ? 'small room-error' : 'soft small'}
        role={refused && 'alert'}
        data-testid="room-hint"
      >
        {hint}
      </p>
    </div>
  );
}
