/**
 * Which request targets (RFC 9112 section 3.2) the edge takes: the path as a browser sends it, and nothing that two readers could
 * take for different paths. What is taken is forwarded byte for byte, to the node that was chosen by its prefix.
 */

/** Longest target, bytes; Node's own limit for all headers together is 16 KiB. */
const MAX_BYTES = 8192;

/**
 * @param target of the request line
 * @returns its path without the query, or undefined when the answer is 400: no single leading slash (absolute form, `//host`), a `.` or
 *   `..` segment in any spelling, an encoded slash, a backslash, a control character, broken percent signs
 */
export function pathOfTarget(target: string | undefined): string | undefined {
  if (target === undefined || target.length > MAX_BYTES || !/^\/(?![/\\])/.test(target)) return undefined;
  const path = target.split('?', 1)[0] ?? '';
  let decoded = path;
  // Encoded twice is nothing that a page of ours asks for, and decoders along the way may undo one level each.
  for (let level = 0; level < 3; level++) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (/[\\\u0000-\u001f\u007f#]/.test(decoded)) return undefined;
    if (decoded.split('/').some((segment) => segment === '.' || segment === '..')) return undefined;
    if (/%(2f|5c)/i.test(decoded)) return undefined;
    let next: string;
    try {
      next = decodeURIComponent(decoded);
    } catch {
      return undefined;
    }
    if (next === decoded) return path;
    decoded = next;
  }
  return undefined;
}
