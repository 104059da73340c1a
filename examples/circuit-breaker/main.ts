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

export async function run(print: (line: string) => void = console.log): Promise<Result> {
  let sick: 'no' | 'errors' | 'hangs' = 'no';
  let hits = 0;
  const dependency = createServer((_request, response) => {
    hits++;
    if (sick === 'hangs') return;
    response.writeHead(sick === 'errors' ? 500 : 200).end();
  });
  await new Promise<void>((resolve) => dependency.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(dependency.address() as { port: number }).port}`;

  const started = performance.now();
  const states: string[] = [];
  const note = ({ event }: { event: string }) => {
    states.push(event.replace('breaker.', ''));
    print(`${((performance.now() - started) / 1000).toFixed(2).padStart(6)} s  ${event}`);
  };
  const breaker = guard({
    name: 'dependency',
    timeoutMs: 2000,
    attempts: 1,
    failures: 5,
    openMs: 1000,
    log: { info: note, warn: note },
  });
  const call = () =>
    breaker.run(async (signal) => {
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    });

  const reached: Record<string, number> = {};
  const answers: Record<string, Record<string, number>> = {};
  const rows: (string | number)[][] = [];
  /** 20 calls, one after the other. */
  const phase = async (name: string) => {
    hits = 0;
    const tally: Record<string, number> = { ok: 0, failed: 0, refused: 0 };
    const t0 = performance.now();
    for (let i = 0; i < 20; i++) {
      const outcome = await call().then(
        () => 'ok',
        (e: unknown) => (e instanceof UnavailableError && e.reason === 'breaker-open' ? 'refused' : 'failed'),
      );
      tally[outcome] = (tally[outcome] ?? 0) + 1;
    }
    reached[name] = hits;
    answers[name] = tally;
    rows.push([
      name,
      hits,
      tally.ok ?? 0,
      tally.failed ?? 0,
      tally.refused ?? 0,
      ((performance.now() - t0) / 20).toFixed(2),
    ]);
  };

  await phase('healthy');
  sick = 'errors';
  await phase('answers 500');
  await sleep(1100);
  sick = 'hangs';
  await phase('hangs');
  await sleep(1100);
  sick = 'no';
  await phase('healthy again');

  print('');
  print(table(['dependency', 'reached it', 'ok', 'failed', 'refused at once', 'ms per call'], rows));
  print('\nWhile it is sick the breaker spares it: 20 calls, few of which reach it; the rest are answered at once.');
  dependency.closeAllConnections();
  await new Promise((resolve) => dependency.close(resolve));
  return { states, reached, answers };
}

if (import.meta.main) await run();
