/** The region of the browser, when it speaks the language of the page. */
const regionOf = (language: string): string =>
  navigator.languages.find((tag) => tag === language || tag.startsWith(`${language}-`)) ?? language;

/** 09:41 or 9:41 AM, as the region has it. */
export function timeOfDay(at: number, language: string): string {
  return new Date(at).toLocaleTimeString(regionOf(language), { hour: '2-digit', minute: '2-digit' });
}

/** 29 Nov 2026, 09:41, as the region has it. */
export function dayAndTime(at: number, language: string): string {
  return new Date(at).toLocaleString(regionOf(language), { dateStyle: 'medium', timeStyle: 'short' });
}

/** `40 sec`, `2 min`, `1 hr`, in the language of the page. @param ms not negative */
export function waited(ms: number, language: string): string {
  const steps = [
    ['second', 1000],
    ['minute', 60_000],
    ['hour', 3_600_000],
  ] as const;
  const [unit, length] = steps.findLast(([, one]) => ms >= one) ?? steps[0];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(Math.floor(ms / length));
}

/** `12 kB`, `3.4 MB`, in the language of the page. */
export function fileSize(bytes: number, language: string): string {
  const mega = bytes >= 1_000_000;
  const unit = mega ? 'megabyte' : 'kilobyte';
  const value = bytes / (mega ? 1_000_000 : 1000);
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: mega ? 1 : 0 }).format(
    mega ? value : Math.max(1, value),
  );
}

/** 4:07 or 1:02:33, in the digits of the language. */
export function clock(ms: number, language: string): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = new Intl.NumberFormat(language, { minimumIntegerDigits: 2 });
  const one = new Intl.NumberFormat(language);
  const [hours = 0, minutes = 0, rest = 0] = parts;
  return hours > 0
    ? `${one.format(hours)}:${two.format(minutes)}:${two.format(rest)}`
    : `${one.format(minutes)}:${two.format(rest)}`;
}
