/** Which queues of Amazon SQS endpoints may name: the setting EVENT_QUEUES. Imports nothing, so that infra can read it at synth. */

/** https://docs.aws.amazon.com/general/latest/gr/sqs-service.html, and the name of a FIFO queue: 80 characters at most, with its suffix. */
const AWS_QUEUE =
  /^https:\/\/sqs(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)\/\d{12}\/[\w-]{1,75}(\.fifo)?$/;
/** A FIFO queue of any server: for development, of one's own. */
const ANY = 'https?://[^/?#@,\\s]+/\\d{12}/[\\w-]{1,75}\\.fifo';
const ANY_QUEUE = new RegExp(`^${ANY}$`);

/** What the setting may be: URLs of FIFO queues with commas between. */
export const QUEUES_PATTERN = `^\\s*(?:${ANY}\\s*)?(?:,\\s*(?:${ANY}\\s*)?)*$`;

/** Is it the URL of a queue at AWS, named by EVENT_QUEUES or not? */
export const isQueueUrl = (url: string) => AWS_QUEUE.test(url);

/** A queue that endpoints may name. */
export interface AllowedQueue {
  readonly url: string;
  /** Undefined: of a server of one's own. */
  readonly region: string | undefined;
}

/**
 * @param setting EVENT_QUEUES
 * @param isPrivateAllowed for development (PRIVATE_ENDPOINTS): queues of a server of one's own
 * @throws Error naming EVENT_QUEUES and the fix
 */
export function readQueues(setting: string, isPrivateAllowed: boolean): AllowedQueue[] {
  const urls = setting.split(',').map((one) => one.trim());
  return urls.filter(Boolean).map((url) => {
    const [, region, fifo] = AWS_QUEUE.exec(url) ?? [];
    if (region && fifo) return { url, region };
    if (isPrivateAllowed && ANY_QUEUE.test(url)) return { url, region: undefined };
    throw new Error(
      `EVENT_QUEUES: "${url}" is no FIFO queue. Fix: https://sqs.eu-central-1.amazonaws.com/123456789012/name.fifo`,
    );
  });
}
