/**
 * Events into FIFO queues of Amazon SQS: in the order of each room, as its messages are one group. Region and credentials are those of the queue's
 * URL and of the task. What an endpoint may name is the operator's to say (EVENT_QUEUES): with the credentials of this service, any other
 * queue that those reach would be open to who may write endpoints.
 */
import { createHash } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AWS_LIMITS } from '@tandem/service';
import type { RoomEvent } from '../events/room-fold.ts';
import { readQueues } from '../queue-urls.ts';
import type { Outcome, SendOptions } from './send.ts';

/** What may stand in the name of a group: printable ASCII without the space. Room ids are 128 bytes at most, as are those. */
const GROUP = /^[!-~]{1,128}$/;
/** The SDK would say on the console that a queue's address is not the usual one. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export class EventQueues implements Disposable {
  /** By URL. */
  readonly #clients = new Map<string, SQSClient>();

  /**
   * @param setting EVENT_QUEUES: URLs, comma-separated
   * @param isPrivateAllowed for development: queues of a server of one's own; their region is AWS_REGION
   * @throws Error naming EVENT_QUEUES and the fix
   */
  constructor(setting: string, isPrivateAllowed: boolean) {
    for (const { url, region } of readQueues(setting, isPrivateAllowed))
      this.#clients.set(url, new SQSClient({ ...AWS_LIMITS, ...(region ? { region } : {}), logger: SILENT }));
  }

  /** May an endpoint name it? */
  has(url: string): boolean {
    return this.#clients.has(url);
  }

  /**
   * One try. Never rejects. A message that is sent again within five minutes is the same one for the queue.
   * @param of `headers`: as a webhook has them, attributes of the message. `timeoutMs`: for credentials, connection and answer together, with
   * the tries of the SDK
   */
  async send(
    url: string,
    { id, room, body }: Pick<RoomEvent, 'id' | 'room' | 'body'>,
    { headers, timeoutMs }: Required<Pick<SendOptions, 'headers' | 'timeoutMs'>>,
  ): Promise<Outcome> {
    const client = this.#clients.get(url);
    if (!client) return { kind: 'failed', why: 'queue_refused' };
    const signal = AbortSignal.timeout(timeoutMs);
    const attributes = Object.entries(headers).map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]);
    const command = new SendMessageCommand({
      QueueUrl: url,
      MessageBody: body,
      MessageGroupId: groupOf(room),
      MessageDeduplicationId: id,
      MessageAttributes: Object.fromEntries(attributes),
    });
    try {
      await client.send(command, { abortSignal: signal });
      return { kind: 'accepted', status: 200 };
    } catch (error) {
      return { kind: 'failed', why: signal.aborted ? 'timeout' : wordOf(error) };
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.destroy();
  }
}

/** A room's id where it can be the name of a group; `#` is in no room id. */
export function groupOf(room: string): string {
  if (GROUP.test(room)) return room;
  return room === '' ? '#' : `#${createHash('sha256').update(room).digest('hex')}`;
}

/** `QueueDoesNotExist` is `queue_does_not_exist`: names of errors are AWS', their texts may hold anything. */
function wordOf(error: unknown): string {
  const name = error instanceof Error ? (error.name.split('.').at(-1) ?? '') : '';
  const words = name.replace(/(Error|Exception)$/, '').match(/[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])/g);
  return words?.join('_').toLowerCase().slice(0, 64) || 'failed';
}
