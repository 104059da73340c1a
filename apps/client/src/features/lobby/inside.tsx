'use client';
import '../../lib/load-rest.ts';
import { useStore } from '@tandem/react';
import type { RoomLook } from '@tandem/rtc';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { type Translate, useLanguage, useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

/** How often a page in sight asks again, ms. */
const AGAIN_MS = 15_000;
/** Names that are written out; the others are counted. */
const WRITTEN_OUT = 3;

type Seen = RoomLook | 'waiting' | undefined;

/** Who is in the room of the link, as far as it tells people who are not in it (S-37). */
export function Inside({ room }: { room: string }) {
  const t = useText();
  const language = useLanguage();
  const seen = useLook(room);
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

function useLook(room: string): Seen {
  const [seen, setSeen] = useState<Seen>();
  const ready = useStore(call, (s) => s.readiness === 'ready');
  useEffect(() => {
    if (!ready) return;
    let over = false;
    setSeen(undefined);
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
    askAgain();
    const timer = setInterval(askAgain, AGAIN_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [room, ready]);
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
