import { loadConfig } from '@tandem/service';
import { expect, test } from 'vitest';
import { CaptionsConfig, readRecognizers } from './config.ts';
import { readAnswer } from './recognizer.ts';

test('recognizers: one address a language', () => {
  expect([...readRecognizers(' en=ws://vosk:2700, pt-BR=wss://speech.example.org/pt?x=1 ')]).toEqual([
    ['en', 'ws://vosk:2700'],
    ['pt-BR', 'wss://speech.example.org/pt?x=1'],
  ]);
});

test.each([
  ['an empty list', ' , '],
  ['no language', 'ws://vosk:2700'],
  ['no address', 'en='],
  ['a page', 'en=https://vosk:2700'],
  ['a word that is no language', 'english language=ws://vosk:2700'],
  ['a language twice', 'en=ws://a:1,en=ws://b:1'],
  ['a secret', 'en=wss://me:secret@speech.example.org'],
])('%s is refused by name, and without the value', (_what, text) => {
  const env = {
    ...{ JWKS_URL: 'http://auth:8081/jwks', TOKEN_ISSUER: 'tandem', TOKEN_AUDIENCE: 'tandem' },
    CAPTIONS_RECOGNIZERS: text,
  };
  const start = () => loadConfig(CaptionsConfig, env);
  expect(start).toThrow('CAPTIONS_RECOGNIZERS');
  expect(start).not.toThrow('secret@');
});

test('a foreign answer: words with their bound, or nothing', () => {
  expect(readAnswer('{"partial" : " so far "}')).toEqual({ partial: 'so far' });
  expect(readAnswer('{"result" : [{"word" : "said"}], "text" : "said"}')).toEqual({ text: 'said' });
  expect(readAnswer(JSON.stringify({ text: `${'a'.repeat(2000)}end` }))).toEqual({ text: `${'a'.repeat(997)}end` });
  for (const odd of ['', '{', 'null', '[]', '7', '{"text":7}', '{"text":{"a":1}}', '{"partial":""}', '{"text":"  "}'])
    expect(readAnswer(odd), odd).toBeUndefined();
});
