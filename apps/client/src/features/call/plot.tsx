'use client';
import { useText } from '../../i18n/index.ts';

/** A sparkline with its present value: enough to see a trend, small enough to load nothing for. */
export function Plot({
  label,
  unit,
  values,
  digits = 0,
  floor,
}: {
  label: string;
  unit: string;
  values: readonly (number | undefined)[];
  digits?: number;
  /** Top of the scale when everything is below it. */
  floor: number;
}) {
  const t = useText();
  const known = values.filter((v) => v !== undefined);
  const last = known.at(-1);
  const top = Math.max(floor, ...known) * 1.1;
  const width = 160;
  const height = 36;
  const step = width / 30;
  let path = '';
  let pen = false;
  values.forEach((value, index) => {
    if (value === undefined) {
      pen = false;
      return;
    }
    const x = width - (values.length - 1 - index) * step;
    const y = height - 2 - (value / top) * (height - 4);
    path += `${pen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return (
    <figure className="plot">
      <figcaption>
        <span>{label}</span>
        <b dir="ltr">{last === undefined ? '–' : `${last.toFixed(digits)} ${unit}`}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('stats.plot', { label })}
      >
        <path d={path} fill="none" vectorEffect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}
