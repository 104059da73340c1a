/** A breaker from closed to open to half-open to closed, against a dependency that fails and comes back. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard, UnavailableError } from '@tandem/service';
import { table } from '../lib/table.ts';

export interface Result {
  readonly states: readonly string[];
  /** Requests that reached the dependency in each phase. */
  readonly reached: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A server that answers, fails or never answers, as `health` says. */
class Dependency {
  health: 'well' | 'errors' | 'hangs' = 'well';
  /** Requests received. */
  hits = 0;
  readonly #server = createServer((_request, response) => {
    this.hits++;
    if (this.health === 'hangs') return;
    response.writeHead(this.health === 'errors' ? 500 : 200).end();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Outcome = 'ok' | 'failed' | 'refused';

/** 20 calls, one after the other. */
async function tally(call: () => Promise<void>): Promise<Record<Outcome, number>> {
  const counts: Record<Outcome, number> = { ok: 0, failed: 0, refused: 0 };
  for (let i = 0; i < 20; i++) {
    const outcome = await call().then(
      (): Outcome => 'ok',
      (e: unknown) => (e instanceof UnavailableError && e.reason === 'breaker-open' ? 'refused' : 'failed'),
    );
    counts[outcome] += 1;
  }
  return counts;
}

export async function run(print: (line: string) => void = console.log): Promise<Result> {
  const dependency = new Dependency();
  const url = await dependency.listen();
  const started = performance.now();
  const states: string[] = [];
  const note = ({ event }: { event: string }) => {
    states.push(event.replace('breaker.', ''));
    print(`${((performance.now() - started) / 1000).toFixed(2).padStart(6)} s  ${event}`);
  };
  const log = { info: note, warn: note };
  const breaker = guard({ name: 'dependency', timeoutMs: 2000, attempts: 1, failures: 5, openMs: 1000, log });
  const call = () =>
    breaker.run(async (signal) => {
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    });

  const reached: Record<string, number> = {};
  const answers: Record<string, Record<Outcome, number>> = {};
  const rows: (string | number)[][] = [];
  const phase = async (name: string, health: Dependency['health']) => {
    Object.assign(dependency, { health, hits: 0 });
    const t0 = performance.now();
    const { ok, failed, refused } = await tally(call);
    reached[name] = dependency.hits;
    answers[name] = { ok, failed, refused };
    rows.push([name, dependency.hits, ok, failed, refused, ((performance.now() - t0) / 20).toFixed(2)]);
  };
  await phase('healthy', 'well');
  await phase('answers 500', 'errors');
  await sleep(1100);
  await phase('hangs', 'hangs');
  await sleep(1100);
  await phase('healthy again', 'well');

  print('');
  print(table(['dependency', 'reached it', 'ok', 'failed', 'refused at once', 'ms per call'], rows));
  print('\nWhile it fails, few of 20 calls reach the dependency; the breaker refuses the rest at once.');
  await dependency.close();
  return { states, reached, answers };
}

if (import.meta.main) await run();
