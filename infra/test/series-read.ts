/** Which series alarms, dashboards, a collector and a line of the embedded metric format name, as CloudWatch and the exporter read them. */
type Any = ReturnType<typeof JSON.parse>;

export interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly statistic?: string;
}

/** A text with names in place of what CloudFormation invents; `x[1]` is the second part of x that was split. */
export function text(value: Any): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join, 'Fn::Select': select } = value;
  if (join) return join[1].map(text).join(join[0]);
  if (select) return `${text(select[1]['Fn::Split'][1])}[${select[0]}]`;
  return [Object.values(value)[0]].flat().join('.');
}

/** What one alarm reads. */
export function seriesOfAlarm({ Properties }: Any): Series[] {
  const stats: Any[] = Properties.Metrics
    ? Properties.Metrics.flatMap((m: Any) =>
        m.MetricStat ? [{ ...m.MetricStat.Metric, Statistic: m.MetricStat.Stat }] : [],
      )
    : [Properties];
  return stats.map((m) => ({
    namespace: m.Namespace,
    name: m.MetricName,
    statistic: m.Statistic ?? m.ExtendedStatistic,
    dimensions: Object.fromEntries((m.Dimensions ?? []).map((d: Any) => [d.Name, text(d.Value)])),
  }));
}

export function bodyOfDashboard({ Properties }: Any): Any {
  const parts: Any[] = Properties.DashboardBody['Fn::Join'][1];
  return JSON.parse(parts.map(text).join(''));
}

/** What the widgets of one dashboard read: rows of namespace, name, dimensions…, options; a dot repeats what stands above. */
export function seriesOfDashboard(dashboard: Any): Series[] {
  return bodyOfDashboard(dashboard).widgets.flatMap((widget: Any) =>
    (widget.properties.metrics ?? []).flatMap((row: Any[]) => {
      if (typeof row[0] !== 'string') return [];
      const [namespace, name, ...pairs] = row.filter((one) => typeof one === 'string');
      const options = row.find((one) => typeof one === 'object') ?? {};
      const dimensions: Record<string, string> = {};
      for (let i = 0; i < pairs.length; i += 2) dimensions[pairs[i] as string] = pairs[i + 1] as string;
      const { region = widget.properties.region, stat = widget.properties.stat } = options;
      return [{ namespace, name, dimensions, region, statistic: stat }];
    }),
  );
}

export const key = ({ namespace, name, dimensions }: Series) =>
  `${namespace} ${name} ${Object.entries(dimensions)
    .map(([k, v]) => `${k}=${v}`)
    .sort()
    .join()}`;

/**
 * A scrape as the collector's prometheus receiver and awsemf exporter write it: static labels are added, names are chosen by
 * `metric_name_selectors`, and each set of `dimensions` whose labels a sample has is one series. A histogram keeps its base name.
 */
export function emitted(config: Any, scrape: string): Series[] {
  const { awsemf } = config.exporters;
  const [{ static_configs }] = config.receivers.prometheus.config.scrape_configs;
  const histograms = new Set([...scrape.matchAll(/^# TYPE (\S+) histogram$/gm)].map((m) => m[1] ?? ''));
  const found: Series[] = [];
  for (const [, sample = '', labels = ''] of scrape.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/gm)) {
    const base = sample.replace(/_(bucket|sum|count)$/, '');
    const name = histograms.has(base) ? base : sample;
    const given: Record<string, string> = { ...static_configs[0].labels };
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      if (label !== 'le') given[label] ??= value;
    for (const declaration of awsemf.metric_declarations) {
      if (!declaration.metric_name_selectors.some((one: string) => new RegExp(one).test(name))) continue;
      for (const set of declaration.dimensions as string[][])
        if (set.every((label) => label in given))
          found.push({
            namespace: awsemf.namespace,
            name,
            dimensions: Object.fromEntries(set.map((label) => [label, given[label] ?? ''])),
          });
    }
  }
  return found;
}

/** What CloudWatch reads in a line of the embedded metric format. */
export function seriesOfLine(text: string): Series[] {
  const line = JSON.parse(text);
  return line._aws.CloudWatchMetrics.flatMap((directive: Any) =>
    directive.Metrics.flatMap(({ Name }: Any) =>
      directive.Dimensions.map((set: string[]) => ({
        namespace: directive.Namespace,
        name: Name,
        dimensions: Object.fromEntries(set.map((label) => [label, line[label]])),
      })),
    ),
  );
}
