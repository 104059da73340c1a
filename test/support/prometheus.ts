/** A private Prometheus with our alert rules, and promtool; both are Debian's package `prometheus`. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@tandem/service/testing';

export const RULES = resolve(import.meta.dirname, '../../docs/dashboards/alerts.prometheus.json');

/** @returns what it printed @throws Error with it, when promtool finds fault */
export function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: string; stdout?: string; stderr?: string };
    if (code === 'ENOENT') throw new Error('promtool is missing: apt-get install prometheus');
    throw new Error(`promtool ${args[0]}: ${stderr}${stdout}`);
  }
}

/**
 * `promtool test rules`; JSON is YAML, too.
 * @param every how often the rules are evaluated; the moments looked at must be among them
 */
export function testRules(tests: readonly object[], every = '10m'): string {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-rules-'));
  try {
    const file = join(dir, 'tests.json');
    writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: every, tests }));
    return promtool('test', 'rules', file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface TestPrometheus extends AsyncDisposable {
  /** An instant query. @throws Error with what Prometheus says of a wrong one */
  query(promql: string): Promise<Sample[]>;
  /** Resolves when every target has been read after this moment. */
  scraped(): Promise<void>;
  /** State of each alert rule by its name, once all were evaluated. */
  alerts(): Promise<Record<string, { health: string; state: string }>>;
}

/** Reads `/metrics` of each target every second. @param targets host:port by job */
export async function startPrometheus(targets: Readonly<Record<string, readonly string[]>>): Promise<TestPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-prometheus-'));
  const port = await freePort();
  writeFileSync(
    join(dir, 'config.json'),
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [RULES],
      scrape_configs: Object.entries(targets).map(([job_name, list]) => ({
        job_name,
        static_configs: [{ targets: list }],
      })),
    }),
  );
  const child: ChildProcess = spawn(
    'prometheus',
    [
      `--config.file=${join(dir, 'config.json')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const die = () => child.kill('SIGKILL');
  process.once('exit', die);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-4000);
  });
  const ended = once(child, 'exit').catch(() => {
    said = 'prometheus is missing: apt-get install prometheus';
  });
  const api = async (path: string, query: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query)}`);
    const body = (await response.json()) as { status: string; error?: string; data: unknown };
    if (body.status !== 'success') throw new Error(`${query.query ?? path}: ${body.error}`);
    return body.data;
  };
  while (
    !(await fetch(`http://127.0.0.1:${port}/-/ready`).then(
      (r) => r.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || said.includes('missing')) throw new Error(`prometheus did not start: ${said}`);
    await sleep(50);
  }
  const count = Object.values(targets).flat().length;
  const query = async (promql: string): Promise<Sample[]> => {
    const data = (await api('query', { query: promql })) as {
      result: { metric: Record<string, string>; value: [number, string] }[];
    };
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  return {
    query,
    async scraped() {
      const asked = Date.now() / 1000;
      for (;;) {
        const [down] = await query('up == 0');
        if (down) throw new Error(`${down.labels.job} ${down.labels.instance} cannot be read`);
        if ((await query(`timestamp(up) > ${asked}`)).length === count) return;
        await sleep(50);
      }
    },
    async alerts() {
      for (;;) {
        const { groups } = (await api('rules')) as {
          groups: { rules: { name: string; health: string; state: string }[] }[];
        };
        const rules = groups.flatMap((g) => g.rules);
        if (rules.length > 0 && rules.every((r) => r.health !== 'unknown'))
          return Object.fromEntries(rules.map((r) => [r.name, { health: r.health, state: r.state }]));
        await sleep(50);
      }
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      process.off('exit', die);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
