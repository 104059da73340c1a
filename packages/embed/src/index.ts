/** A call of a Tandem deployment in your own page. */
export { EmbedError, type EmbedErrorCode } from './embed-error.ts';
export { EmbeddedCall, type EmbedOptions } from './embedded-call.ts';
export type { EmbedEvents } from './messages.ts';
