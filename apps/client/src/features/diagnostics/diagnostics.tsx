'use client';
import '../../lib/load-rest.ts';
import '../../styles/diagnostics.css';
import { useState } from 'react';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';
import { Icon } from '../../ui/icons.tsx';
import { Shell } from '../../ui/shell.tsx';
import { CHECKS, type CheckName, type CheckResult, type Findings, runCheck } from './checks.ts';

const LABEL = {
  camera: 'diag.camera',
  microphone: 'diag.microphone',
  service: 'diag.service',
  relay: 'diag.relay',
  loop: 'diag.loop',
} as const;
const VERDICT = { pass: 'diag.pass', warn: 'diag.warn', fail: 'diag.fail', skip: 'diag.skipped' } as const;

type Results = Partial<Record<CheckName, CheckResult>>;
type Text = ReturnType<typeof useText>;

/** Runs the checks one after the other. `running` is undefined between runs. */
function useChecks() {
  const [results, setResults] = useState<Results>({});
  const [running, setRunning] = useState<CheckName | undefined>();
  async function start() {
    setResults({});
    const findings: Findings = {};
    for (const name of CHECKS) {
      setRunning(name);
      const result = await runCheck(name, findings);
      setResults((before) => ({ ...before, [name]: result }));
    }
    setRunning(undefined);
  }
  return { results, running, start };
}

/** Plain text for support. */
function reportOf(results: Results, t: Text): string {
  return [
    `Tandem ${process.env.NEXT_PUBLIC_VERSION ?? ''} · ${new Date().toISOString()}`,
    navigator.userAgent,
    ...CHECKS.map((name) => {
      const result = results[name] as CheckResult;
      return `${result.verdict.toUpperCase().padEnd(5)} ${t(LABEL[name])}: ${t(result.key, result.values)}`;
    }),
  ].join('\n');
}

const MARK = { pass: 'check', warn: 'alert', fail: 'close' } as const;

function Mark({ state }: { state: 'running' | 'wait' | CheckResult['verdict'] }) {
  return (
    <span className="check-mark" aria-hidden="true">
      {state === 'running' ? (
        <span className="spinner" />
      ) : (
        state !== 'wait' && state !== 'skip' && <Icon name={MARK[state]} size={18} />
      )}
    </span>
  );
}

function Check({ name, result, running }: { name: CheckName; result?: CheckResult | undefined; running: boolean }) {
  const t = useText();
  const state = running ? 'running' : (result?.verdict ?? 'wait');
  const status = () => {
    if (running) return t(name === 'microphone' ? 'diag.speak' : 'diag.running');
    return result ? t(result.key, result.values) : t('diag.wait');
  };
  return (
    <li className="check" data-testid={`check-${name}`} data-state={state}>
      <Mark state={state} />
      <div>
        <h2>{t(LABEL[name])}</h2>
        <p className="small soft" role="status">
          {status()}
        </p>
      </div>
      {result && <b className="verdict">{t(VERDICT[result.verdict])}</b>}
    </li>
  );
}

function CopyReport({ report }: { report: string }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard?.writeText(report).then(
      () => setCopied(true),
      () => {},
    );
  return (
    <button type="button" className="button large" onClick={() => void copy()}>
      <Icon name={copied ? 'check' : 'copy'} size={20} />
      {copied ? t('call.copied') : t('diag.copy')}
    </button>
  );
}

function BackLink() {
  const t = useText();
  return (
    <a className="button quiet compact" href={`${basePath}/`}>
      <span className="flip">
        <Icon name="back" size={18} />
      </span>
      {t('app.back')}
    </a>
  );
}

/** Five checks one after the other, each with a plain verdict, and a report to hand to support. */
export function Diagnostics() {
  const t = useText();
  const { results, running, start } = useChecks();
  const done = CHECKS.every((name) => results[name]);
  const report = done ? reportOf(results, t) : '';
  return (
    <Shell actions={<BackLink />}>
      <main id="main" className="diagnostics">
        <hgroup>
          <h1>{t('diag.title')}</h1>
          <p className="soft">{t('diag.intro')}</p>
        </hgroup>
        <ol className="checks">
          {CHECKS.map((name) => (
            <Check key={name} name={name} result={results[name]} running={running === name} />
          ))}
        </ol>
        <div className="diag-actions">
          <button
            type="button"
            className="button primary large"
            data-testid="run-checks"
            disabled={running !== undefined}
            onClick={() => void start()}
          >
            {running ? t('diag.running') : done ? t('diag.again') : t('diag.start')}
          </button>
          {done && <CopyReport report={report} />}
        </div>
        {done && (
          <pre className="report" data-testid="report" dir="auto">
            {report}
          </pre>
        )}
      </main>
    </Shell>
  );
}
