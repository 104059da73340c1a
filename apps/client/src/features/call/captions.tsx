'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { preferences } from '../../lib/preferences.ts';

/** What is said, in words, where the deployment sends it. Not read aloud: who hears the page hears the voices. */
export function Captions() {
  const captions = useStore(call, (s) => s.captions);
  const on = useStore(preferences, (p) => p.captions);
  if (!on || captions.length === 0) return null;
  return (
    <div className="captions" data-testid="captions">
      {captions.map(({ id, name, text }) => (
        <p key={id} dir="auto">
          {name && <b>{name}: </b>}
          {text}
        </p>
      ))}
    </div>
  );
}
