/** What the page and the worker that encrypts frames say to each other. */
import type { SenderKey } from './frame-cipher.ts';

export type WorkerMessage =
  /** Encrypt with this from now on. */
  | { readonly type: 'send-with'; readonly key: SenderKey }
  | { readonly type: 'receive-with'; readonly owner: string; readonly key: SenderKey }
  | { readonly type: 'forget'; readonly owner: string };

/** What a transform is for. */
export interface TransformOptions {
  readonly side: 'send' | 'receive';
}
