'use client';
import {
  Component,
  type ComponentType,
  type LazyExoticComponent,
  lazy,
  type ReactNode,
  Suspense,
  useState,
} from 'react';
import { useText } from '../i18n/index.ts';

interface PartProps {
  children: ReactNode;
  /** Shown in place of a part that broke; `retry` builds it anew. Default: a line of words with a button. */
  fallback?: (retry: () => void) => ReactNode;
  /** Before each retry, e.g. to load anew what did not arrive. */
  onRetry?: () => void;
}

/** A part of the page that fails alone: what is thrown inside it, now or at any later render, replaces this part only. */
export class Part extends Component<PartProps, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  #retry = (): void => {
    this.props.onRetry?.();
    this.setState({ broken: false });
  };

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return this.props.fallback ? this.props.fallback(this.#retry) : <Broken retry={this.#retry} />;
  }
}

interface BrokenProps {
  readonly retry: () => void;
  /** It stands in for a whole page: its words are the page's heading. */
  readonly whole?: boolean | undefined;
  readonly children?: ReactNode;
}

/** What stands in for a broken part. */
export function Broken({ retry, whole, children }: BrokenProps) {
  const t = useText();
  const Words = whole ? 'h1' : 'p';
  return (
    <div className="part-broken" role="alert" data-testid="part-broken">
      <Words>{t('app.partBroken')}</Words>
      <div className="actions">
        <button type="button" className="button compact" onClick={retry}>
          {t('app.retry')}
        </button>
        {children}
      </div>
    </div>
  );
}

/**
 * A part whose code is loaded when it is first shown. When the code does not arrive (offline, an update removed it), the
 * part says so alone, and its button asks for it again.
 */
export function loadedPart<P extends object>(
  load: () => Promise<ComponentType<P>>,
  options: { waiting?: ReactNode; fallback?: (retry: () => void, props: P) => ReactNode } = {},
): ComponentType<P> {
  const make = (): LazyExoticComponent<ComponentType<P>> => lazy(async () => ({ default: await load() }));
  // React remembers a failed load for as long as the lazy component lives: each retry needs a new one.
  let Current = make();
  return function LoadedPart(props: P) {
    const [Loaded, setLoaded] = useState<LazyExoticComponent<ComponentType<P>>>(() => Current);
    const { fallback } = options;
    return (
      <Part
        onRetry={() => {
          Current = make();
          setLoaded(() => Current);
        }}
        {...(fallback ? { fallback: (retry: () => void) => fallback(retry, props) } : {})}
      >
        <Suspense fallback={options.waiting}>
          {/* biome-ignore lint/suspicious/noExplicitAny: a lazy component takes its own props; TypeScript cannot see through the generic. */}
          <Loaded {...(props as any)} />
        </Suspense>
      </Part>
    );
  };
}
