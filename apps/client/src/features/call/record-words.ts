import { RecordError } from '../../call/record.ts';
import type { MessageKey } from '../../i18n/index.ts';

const WORDS: Readonly<Record<string, MessageKey>> = {
  recordings_off: 'record.off',
  room_encrypted: 'record.encrypted',
  no_media_node: 'record.noNode',
  grant_missing: 'record.notGranted',
  recording_running: 'record.running',
};

/** What a request about recordings failed of, in the words of the page: the server's are English, and for who runs it. */
export const failureKey = (error: unknown): MessageKey =>
  (error instanceof RecordError ? WORDS[error.code] : undefined) ?? 'record.failed';
