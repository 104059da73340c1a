/** A start that cannot work on this machine. One line that says what to do: printed without a stack trace. */
export class StartError extends Error {
  override name = 'StartError';
}
