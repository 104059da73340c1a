/** Messages from the server to peers. */
import type { Api, CallOptions } from './api.ts';
import type { ServerMessage } from './api-types.ts';
import { pathOf } from './rooms.ts';

/** Scope `messages:write`. */
export class Messages {
  readonly #api: Api;
  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * Send a message to all in a room, or to some. Clients receive `server_message`. It is not kept for those who come later, and not
   * sent again by itself when the answer is lost.
   * @throws TandemError `room_unknown`
   */
  async send(roomId: string, message: ServerMessage, options?: CallOptions): Promise<{ readonly recipients: number }> {
    const { body } = await this.#api.call(
      { method: 'POST', path: `${pathOf(roomId)}/messages`, body: message, isRepeatable: false },
      options,
    );
    return body as { readonly recipients: number };
  }
}
