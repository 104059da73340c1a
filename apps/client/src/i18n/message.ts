import type { en } from './en.ts';
import type { enLazy } from './en-lazy.ts';
import type { Message } from './text.ts';

export type MessageKey = keyof typeof en | keyof typeof enLazy;
export type Messages = Record<MessageKey, Message>;
