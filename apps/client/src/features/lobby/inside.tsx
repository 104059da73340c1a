'use client';
import '../../lib/load-rest.ts';
import { useStore } from '@tandem/react';
import type { RoomLook } from '@tandem/rtc';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { type Translate, useLanguage, useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

/** A name that is typed is asked for when it stays the same for this long, ms: not each beginning of it is a room. */
const TYPED_MS = 600;
/** How often a page in sight asks again, ms. */
const AGAIN_MS = 15_000;
/** Names that are written out; the others are counted. */
const WRITTEN_OUT = 3;

type Seen = RoomLook | 'waiting' | undefined;

export interface InsideProps {
  /** Its id; undefined: what is typed is none yet. */
  readonly room: string | undefined;
  readonly typed: boolean;
}

/** Who is in the room of the link, or in the one that is typed, as far as it tells people who are not in it (S-37). */
export function Inside({ room, typed }: InsideProps) {
  const t = useText();
  const language = useLanguage();
  const seen = useLook(room, typed ? TYPED_MS : 0);
  // There from the start: a status is heard when its text changes.
  return (
    <p className="inside soft" role="status" data-testid="inside">
      {seen && (
        <>
          <Icon name="people" size={18} />
          <span>{seen === 'waiting' ? t('lobby.asks') : textOf(t, language, seen)}</span>
        </>
      )}
    </p>
  );
}

function useLook(room: string | undefined, after: number): Seen {
  const [seen, setSeen] = useState<Seen>();
  const ready = useStore(call, (s) => s.readiness === 'ready');
  useEffect(() => {
    setSeen(undefined);
    if (!ready || room === undefined) return;
    let over = false;
    const ask = async () => {
      const session = await call.lobbySession();
      if (document.hidden || session?.state !== 'open') return;
      // Whatever else refuses it refuses the join too, which says so.
      const next = await session
        .look(room)
        .catch((error: { code?: string }) => (error.code === 'room_waiting' ? ('waiting' as const) : undefined));
      if (!over) setSeen(next);
    };
    const askAgain = () => void ask().catch(() => {});
    let timer = setTimeout(() => {
      askAgain();
      timer = setInterval(askAgain, AGAIN_MS);
    }, after);
    return () => {
      over = true;
      // Of a timeout and of an interval alike (HTML, "Timers").
      clearTimeout(timer);
    };
  }, [room, ready, after]);
  return seen;
}

function textOf(t: Translate, language: string, { count, names = [] }: Exclude<Seen, 'waiting' | undefined>): string {
  if (count === 0) return t('lobby.insideNone');
  if (names.length === 0) return t('lobby.inside', { count });
  const shown = names.slice(0, count === WRITTEN_OUT + 1 ? WRITTEN_OUT + 1 : WRITTEN_OUT);
  const more = count - shown.length;
  const words = new Intl.ListFormat(language);
  // Each name in its own direction (UAX 9).
  const parts = shown.map((name) => `\u2068${name}\u2069`);
  return t('lobby.insideNames', {
    names: words.format(more > 0 ? [...parts, t('lobby.insideMore', { count: more })] : parts),
  });
}
