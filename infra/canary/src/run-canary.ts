/** One run of the canary against a deployment: what a caller does, step by step, and what each step said. */
import { randomBytes } from 'node:crypto';
import { examineAlarmPath, type ReadTopic } from './alarm-path.ts';
import { askServices, type Endpoints, fetchIceServers, fetchToken, findEndpoints } from './deployment.ts';
import { allocateAll, allocateAt, exchangePackets, type RelayOffer, relayOffers } from './relay-probe.ts';
import { type CanaryResult, type Outcome, resultOf, type StepName, type StepResult } from './result.ts';
import { exchangeMessages } from './signaling-probe.ts';
import type { Allocation } from './turn-client.ts';
import type { RelayTransport } from './turn-uri.ts';

export interface CanaryOptions {
  /** Page of the deployment, such as https://calls.example.com. */
  readonly origin: URL;
  /** Where guests get no token. Default: asks as a guest. */
  readonly apiKey?: string;
  /** Longest wait for one answer, ms. */
  readonly timeoutMs: number;
  /** Steps to leave out. Default: none. */
  readonly without?: readonly StepName[];
  /** Topic of the alarms, and who reads its attributes. Default: not examined. */
  readonly alarms?: { readonly topicArn: string; readonly read: ReadTopic };
}

/** Thrown by a step that has nothing to do, which is no fault. */
class LeftOut {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** Runs steps one after the other and keeps what each said. */
class Steps {
  readonly results: StepResult[] = [];
  readonly #without: readonly StepName[];

  constructor(without: readonly StepName[]) {
    this.#without = without;
  }

  /**
   * @param needs what earlier steps gave; an undefined one blocks this step
   * @returns what `work` gave, or undefined when the step did not pass
   */
  async run<N extends readonly unknown[], T>(
    name: StepName,
    needs: readonly [...{ [K in keyof N]: N[K] | undefined }],
    work: (...given: N) => Promise<{ value: T; detail: string }>,
  ): Promise<T | undefined> {
    const started = performance.now();
    const end = (outcome: Outcome) => void this.results.push({ name, outcome, ms: performance.now() - started });
    if (this.#without.includes(name)) return void end({ state: 'left-out', detail: 'left out on request' });
    if (needs.some((one) => one === undefined)) return void end(this.#withoutNeed());
    try {
      const { value, detail } = await work(...(needs as unknown as N));
      end({ state: 'passed', detail });
      return value;
    } catch (error) {
      if (error instanceof LeftOut) return void end({ state: 'left-out', detail: error.why });
      return void end({ state: 'failed', detail: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Of a step whose need is missing: no fault where all before it passed or was left out. */
  #withoutNeed(): Outcome {
    const failed = this.results.some(({ outcome: { state } }) => state === 'failed' || state === 'blocked');
    return failed
      ? { state: 'blocked', detail: 'needs an earlier step' }
      : { state: 'left-out', detail: 'needs a step that is left out' };
  }
}

/** Never throws: what goes wrong is in the result. */
export async function runCanary(options: CanaryOptions): Promise<CanaryResult> {
  const steps = new Steps(options.without ?? []);
  const endpoints = await steps.run('page', [], async () => ({
    value: await findEndpoints(options),
    detail: 'the page and its settings are served',
  }));
  await steps.run('services', [endpoints], async (at: Endpoints) => {
    await askServices(at, options);
    return { value: true, detail: 'auth and signaling answer behind the front' };
  });
  const tokens = await steps.run('tokens', [endpoints], async (at: Endpoints) => {
    const run = randomBytes(6).toString('hex');
    const [ada, bob] = await Promise.all(['a', 'b'].map((who) => fetchToken(at, `canary-${run}-${who}`, options)));
    return { value: [ada ?? '', bob ?? ''] as const, detail: 'two users have tokens' };
  });
  await steps.run('message', [endpoints, tokens], async (at: Endpoints, both: readonly [string, string]) => ({
    value: true,
    detail: `joined and heard each other on ${(await exchangeMessages(at, both, options)).join(' and ')}`,
  }));
  await tryRelays(steps, endpoints, tokens, options);
  await steps.run('alarm-path', [], async () => {
    if (!options.alarms) throw new LeftOut('no alarm topic given');
    const { topicArn, read } = options.alarms;
    const confirmed = examineAlarmPath(topicArn, await read(topicArn));
    return { value: true, detail: `CloudWatch may publish; ${confirmed} confirmed subscriptions` };
  });
  return resultOf(steps.results);
}

async function tryRelays(
  steps: Steps,
  endpoints: Endpoints | undefined,
  tokens: readonly [string, string] | undefined,
  options: CanaryOptions,
): Promise<void> {
  const offers = await steps.run(
    'ice-servers',
    [endpoints, tokens],
    async (at: Endpoints, both: readonly [string, string]) => {
      const found = relayOffers(await fetchIceServers(at, both[0], options));
      if (found.length === 0)
        throw new Error('auth hands out no relay: no TURN node is in the directory, and no TURN_URIS are set');
      return { value: found, detail: found.map(({ uri }) => uri.text).join(', ') };
    },
  );
  const open: Allocation[] = [];
  try {
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const made = await steps.run(`relay-${transport}`, [offers], (all: readonly RelayOffer[]) =>
        tryTransport(all, transport, options),
      );
      open.push(...(made ?? []));
    }
    const [first] = open;
    await steps.run('relay-data', [offers, first], async (all: readonly RelayOffer[], a: Allocation) => {
      // The two that differ most: UDP, and the last resort of a network that lets only TLS out.
      let b = open.at(-1);
      if (!b || b === a) {
        b = await allocateAt(all[0] as RelayOffer, options.timeoutMs);
        open.push(b);
      }
      await exchangePackets(a, b, options.timeoutMs);
      return { value: true, detail: 'packets pass from relay to relay, both ways' };
    });
  } finally {
    await Promise.all(open.map((one) => one[Symbol.asyncDispose]()));
  }
}

async function tryTransport(
  offers: readonly RelayOffer[],
  transport: RelayTransport,
  options: CanaryOptions,
): Promise<{ value: Allocation[]; detail: string }> {
  const count = offers.filter(({ uri }) => uri.transport === transport).length;
  if (count === 0) {
    const secure = options.origin.protocol === 'https:';
    // TCP without TLS helps almost no caller whom UDP and TLS do not help.
    if (transport === 'udp' || (transport === 'tls' && secure))
      throw new Error(`auth hands out no ${transport === 'tls' ? 'turns: URI' : 'turn: URI over UDP'}`);
    throw new LeftOut(transport === 'tls' ? 'not offered; expected of an https page only' : 'not offered');
  }
  const value = await allocateAll(offers, transport, options.timeoutMs);
  return { value, detail: `${count} allocation${count > 1 ? 's' : ''}` };
}
