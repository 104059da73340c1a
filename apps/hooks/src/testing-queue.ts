/**
 * A FIFO queue for tests, of a server that speaks SQS (fauxqs), in this process. It compares no signatures and knows no policies.
 *
 *     await using queue = await startQueue();
 *     for (const [name, value] of Object.entries(queue.env)) vi.stubEnv(name, value);
 */
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';

export interface QueueMessage {
  readonly group: string;
  readonly id: string;
  readonly body: string;
  /** Attributes of the message. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface TestQueue extends AsyncDisposable {
  /** As EVENT_QUEUES has it, with PRIVATE_ENDPOINTS. */
  readonly url: string;
  /** What a client's environment needs. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets and deletes messages as a consumer does, until `count` came. */
  receive(count: number): Promise<QueueMessage[]>;
  /** Deletes the queue. */
  remove(): void;
}

const REGION = 'eu-central-1';
/** High throughput, as the docs have it. */
const FIFO = { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' };

export async function startQueue(): Promise<TestQueue> {
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  server.createQueue('events.fifo', { region: REGION, attributes: FIFO });
  const origin = `http://127.0.0.1:${server.port}`;
  const url = `${origin}/000000000000/events.fifo`;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const client = new SQSClient({ endpoint: origin, region: REGION, credentials });
  const names = { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All' as const] };
  return {
    url,
    env: { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    async receive(count) {
      const got: QueueMessage[] = [];
      while (got.length < count) {
        const ask = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, ...names });
        for (const message of (await client.send(ask)).Messages ?? []) {
          got.push(read(message));
          await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }));
        }
      }
      return got;
    },
    remove: () => server.deleteQueue('events.fifo', { region: REGION }),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.stop();
    },
  };
}

function read({ Body = '', Attributes, MessageAttributes = {} }: Message): QueueMessage {
  const headers = Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [name, StringValue]);
  const { MessageGroupId = '', MessageDeduplicationId = '' } = Attributes ?? {};
  return { group: MessageGroupId, id: MessageDeduplicationId, body: Body, headers: Object.fromEntries(headers) };
}
