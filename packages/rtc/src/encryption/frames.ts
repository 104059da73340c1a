/** What the page and the worker that encrypts frames say to each other. */
import type { SenderKey } from './frame-cipher.ts';

export type WorkerMessage =
  /** Encrypt with this from now on. */
  | { readonly type: 'send-with'; readonly key: SenderKey }
  | { readonly type: 'receive-with'; readonly owner: string; readonly key: SenderKey }
  | { readonly type: 'forget'; readonly owner: string }
  /** Frames of this receiver have to be this owner's from now on; before, none is shown. */
  | { readonly type: 'expect'; readonly receiver: number; readonly owner: string };

/** What a transform is for. */
export type TransformOptions = { readonly side: 'send' } | { readonly side: 'receive'; readonly receiver: number };
