/** What a program complains of, bounded. */

/** Who is outside can make a program complain as often as they send: of ten seconds the first lines are passed on, then how many were left out. */
const LINES = 5;
const LINES_MS = 10_000;
/** Most of one line, in UTF-16 code units: it may repeat what was sent. */
const LINE_CHARS = 1000;

export function limited(complain: (line: string) => void): (line: string) => void {
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  return (line) => {
    timer ??= setTimeout(() => {
      if (count > LINES) complain(`${count - LINES} more lines of these ${LINES_MS / 1000} s are left out`);
      timer = undefined;
      count = 0;
    }, LINES_MS).unref();
    if (++count <= LINES) complain(line.slice(0, LINE_CHARS));
  };
}
