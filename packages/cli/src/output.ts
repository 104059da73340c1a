/** What commands print: JSON for programs, tables for people. */

/** A line of a table, by column. */
export type Row = Readonly<Record<string, unknown>>;

export class Output {
  readonly #write: (text: string) => void;
  readonly isJson: boolean;
  constructor(write: (text: string) => void, isJson: boolean) {
    this.#write = write;
    this.isJson = isJson;
  }

  /** One thing: JSON, or a line a field. */
  show(value: object): void {
    if (this.isJson) {
      this.line(JSON.stringify(value));
      return;
    }
    const fields = Object.entries(value).filter(([, one]) => one !== undefined);
    const width = Math.max(0, ...fields.map(([name]) => name.length));
    for (const [name, one] of fields) this.line(`${name.padEnd(width)}  ${cell(one)}`);
  }

  /** Several things: a JSON array of `rows`, or a table of `columns`. */
  table(rows: readonly Row[], columns: readonly string[]): void {
    if (this.isJson || rows.length === 0) {
      this.line(this.isJson ? JSON.stringify(rows) : 'none');
      return;
    }
    const widths = columns.map((name) => Math.max(name.length, ...rows.map((row) => cell(row[name]).length)));
    const put = (cells: readonly string[]) =>
      this.line(
        cells
          .map((one, i) => one.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd(),
      );
    put(columns);
    for (const row of rows) put(columns.map((name) => cell(row[name])));
  }

  /** A line of cells. */
  row(cells: readonly unknown[]): void {
    this.line(cells.map(cell).join('  '));
  }

  line(text: string): void {
    this.#write(`${text}\n`);
  }
}

/** What others chose may hold control characters: a terminal must not act on them. */
function cell(value: unknown): string {
  const shown = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  return shown.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}
