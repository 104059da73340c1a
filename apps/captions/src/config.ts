/** Every setting of the captions service. Keys are environment variable names. */
import { checkedText, httpUrl, LogLevel, TelemetrySettings } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { parseRecognizers } from './recognizers.ts';

export { parseRecognizers, readRecognizers } from './recognizers.ts';

export const CaptionsConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({
    default: 8083,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 picks a free one.',
  }),
  LOG_LEVEL: LogLevel,
  JWKS_URL: httpUrl('Where auth publishes its keys, e.g. http://auth:8081/.well-known/jwks.json'),
  TOKEN_ISSUER: Type.String({ description: '`iss` that access tokens must carry.' }),
  TOKEN_AUDIENCE: Type.String({ description: '`aud` of access tokens.' }),
  CAPTIONS_RECOGNIZERS: checkedText((text) => parseRecognizers(text) !== undefined, {
    expected: 'languages with their recognizers, such as en=ws://vosk-en:2700,de=wss://speech.example.org/de',
    description:
      'Recognizers that speak the WebSocket protocol of vosk-server, one a language: `en=ws://vosk-en:2700,de=ws://vosk-de:2700`. They get the sound of people who switched captions on.',
  }),
  ALLOWED_ORIGINS: Type.String({
    default: '',
    description: 'Origins whose pages may connect: comma-separated; empty for the page’s own host, `*` for all.',
  }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    maximum: 10,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
  MAX_SPEAKERS: Type.Integer({
    default: 50,
    minimum: 1,
    maximum: 10_000,
    description:
      'Microphones of this task at once; more get 503 with Retry-After. What bounds it is the recognizers: each holds some of them only.',
  }),
  MAX_EVENT_LOOP_DELAY_MS: Type.Integer({
    default: 200,
    minimum: 1,
    maximum: 60_000,
    description: 'Event-loop delay above which new microphones are shed with 503.',
  }),
  SPEAKERS_PER_USER: Type.Integer({
    default: 3,
    minimum: 1,
    maximum: 100,
    description: 'Microphones of one user, or of one login session of a guest, in this task.',
  }),
  SPEAKERS_PER_ADDRESS: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 10_000,
    description: 'Microphones of one client address in this task: a guest may take any id, but not any address.',
  }),
  ...TelemetrySettings,
});
export type CaptionsConfig = Static<typeof CaptionsConfig>;
