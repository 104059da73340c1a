/** The canary's command line, over its settings from the environment. */
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig, readList } from '@tandem/service';
import { topicReader } from './alarm-reader.ts';
import { CanaryConfig } from './config.ts';
import { type CanaryMetrics, STEPS, type StepName } from './result.ts';
import type { CanaryOptions } from './run-canary.ts';

export const HELP = `npm run canary -- https://calls.example.com [options]

Does what a caller does: loads the page, asks each service, takes two tokens, joins a room twice, sends messages, allocates at every relay
that is handed out, and sends packets from relay to relay. Exit code 0: all of it works; 1: something does not; 2: wrong use.

  --without STEPS    comma-separated steps to leave out: ${STEPS.join(', ')}
  --timeout SECONDS  longest wait for one answer (default 15)
  --alarm-topic ARN  examine also whether alarms of this SNS topic reach anybody (needs AWS credentials)

CANARY_API_KEY holds an API key where guests get no token; without one, --without tokens tries what needs none. NODE_EXTRA_CA_CERTS names the file of a private certificate authority.
`;

export interface CanaryCommand extends CanaryOptions {
  /** Dimensions of the metric. Default: none is written. */
  readonly metrics?: CanaryMetrics;
}

/**
 * @param env settings as a scheduled task gets them; the command line wins
 * @returns what to run, or 'help'
 * @throws ConfigError in one line that names the option
 */
export function parseCommand(args: readonly string[], env: NodeJS.ProcessEnv): CanaryCommand | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const config = loadConfig(CanaryConfig, {
    ...env,
    ...(positionals[0] === undefined ? {} : { CANARY_ORIGIN: positionals[0] }),
    ...(values.without === undefined ? {} : { CANARY_WITHOUT: values.without }),
    ...(values.timeout === undefined ? {} : { CANARY_TIMEOUT_SECONDS: values.timeout }),
    ...(values['alarm-topic'] === undefined ? {} : { CANARY_ALARM_TOPIC: values['alarm-topic'] }),
  });
  const topicArn = config.CANARY_ALARM_TOPIC;
  return {
    origin: originOf(config.CANARY_ORIGIN),
    timeoutMs: config.CANARY_TIMEOUT_SECONDS * 1000,
    without: readList(config.CANARY_WITHOUT) as StepName[],
    ...(config.CANARY_API_KEY ? { apiKey: config.CANARY_API_KEY } : {}),
    ...(topicArn ? { alarms: { topicArn, read: topicReader(config.AWS_REGION) } } : {}),
    ...(config.METRICS_STACK ? { metrics: { stack: config.METRICS_STACK, part: config.METRICS_PART } } : {}),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        without: { type: 'string' },
        timeout: { type: 'string' },
        'alarm-topic': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new ConfigError(
      `${error instanceof Error ? error.message.split('. ')[0] : error}. Known: npm run canary -- --help`,
    );
  }
}

function originOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new ConfigError('the address must begin with https:// or http://, such as https://calls.example.com');
  return new URL(url.origin);
}
