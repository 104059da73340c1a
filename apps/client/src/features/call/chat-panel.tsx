'use client';
import { useStore } from '@tandem/react';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { followsOn } from '../../call/follows-on.ts';
import { mayChat } from '../../call/permitted.ts';
import { useText } from '../../i18n/index.ts';
import { ChatForm } from './chat-form.tsx';
import { ChatLineView } from './chat-line.tsx';

export function ChatPanel() {
  const t = useText();
  const lines = useStore(call, (s) => s.chat);
  const may = useStore(call, mayChat);
  const isGranted = useStore(call, (s) => s.writing);
  const list = useRef<HTMLDivElement>(null);
  const [dropping, setDropping] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: scroll when a line comes.
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [lines]);

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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
      <div ref={list} className="panel-scroll chat" role="log" aria-label={t('chat.title')} tabIndex={0}>
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
