'use client';
import { useStore } from '@tandem/react';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { followsOn } from '../../call/follows-on.ts';
import { mayChat } from '../../call/permitted.ts';
import { useText } from '../../i18n/index.ts';
import { ChatForm } from './chat-form.tsx';
import { ChatLineView } from './chat-line.tsx';

/** Who is this near to the end of the chat, px, reads what comes. */
const NEAR_END = 40;

export function ChatPanel() {
  const t = useText();
  const may = useStore(call, mayChat);
  const isGranted = useStore(call, (s) => s.writing);
  const [dropping, setDropping] = useState(false);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping has a button beside it for keyboards.
    <div
      className={`chat-area ${dropping ? 'dropping' : ''}`}
      onDragOver={(event) => {
        if (!may || !event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        event.preventDefault();
        setDropping(false);
        if (may) for (const file of event.dataTransfer.files) void call.sendFile(file);
      }}
    >
      <Lines />
      {may ? (
        <ChatForm />
      ) : (
        <p className="soft chat-closed" role="status" data-testid="chat-closed">
          {t(isGranted ? 'host.chatClosed' : 'chat.notGranted')}
        </p>
      )}
    </div>
  );
}

function Lines() {
  const t = useText();
  const lines = useStore(call, (s) => s.chat);
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    // Who reads what was said before is left there; what they write themselves they want to see.
    if (isAtEnd.current || lines.at(-1)?.mine) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [lines]);
  return (
    <div
      ref={list}
      className="panel-scroll chat"
      role="log"
      aria-label={t('chat.title')}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
      }}
    >
      {lines.length === 0 && <p className="soft chat-empty">{t('chat.empty')}</p>}
      {lines.map((line, index) => {
        const previous = lines[index - 1];
        const first = line.by !== undefined && previous?.by === undefined;
        return (
          <ChatLineView
            key={line.key}
            line={line}
            follows={followsOn(previous, line)}
            {...(first ? { heading: t('chat.before', { name: line.by || t('call.guest') }) } : {})}
          />
        );
      })}
    </div>
  );
}
