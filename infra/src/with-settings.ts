import type { TaskServiceProps } from './realtime-service-props.ts';

/** `props` with the settings that have properties of their own among its variables; a variable that is given itself wins. Undefined is left out. */
export function withSettings<T extends TaskServiceProps>(
  props: T,
  settings: Readonly<Record<string, string | number | boolean | undefined>>,
): T {
  const own = Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  if (own.length === 0) return props;
  return { ...props, environment: { ...Object.fromEntries(own), ...props.environment } };
}
