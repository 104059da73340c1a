/**
 * Does an event match a pattern, as EventBridge matches it (EventBridge guide, "Creating Amazon EventBridge event patterns" and "Comparison
 * operators"): every field of the pattern must match, one value of a field's list is enough, and what the pattern does not name is not asked.
 * An operator that is not known here throws.
 */
type Any = ReturnType<typeof JSON.parse>;

export function matchesEvent(pattern: Any, event: Any): boolean {
  return Object.entries<Any>(pattern).every(([field, wanted]) => {
    const value = event?.[field];
    if (!Array.isArray(wanted)) return typeof value === 'object' && value !== null && matchesEvent(wanted, value);
    return wanted.some((one) => [value].flat().some((actual) => matchesValue(one, actual)));
  });
}

function matchesValue(wanted: Any, actual: Any): boolean {
  if (wanted === null || typeof wanted !== 'object') return wanted === actual;
  const [[operator, text] = ['', ''], ...more] = Object.entries<Any>(wanted);
  if (operator !== 'wildcard' || more.length > 0)
    throw new Error(`event pattern: ${JSON.stringify(wanted)} is not known here`);
  return typeof actual === 'string' && wildcard(text).test(actual);
}

/**
 * "*" stands for any number of characters, "/" among them, none too; "\*" and "\\" are the characters themselves; a backslash before
 * another character is refused, and so are two wildcards side by side. EventBridge's own parser, open:
 * https://github.com/aws/event-ruler/blob/61781a6722392ee3d3271ebf4119edcabbc1a6ab/src/main/software/amazon/event/ruler/input/WildcardParser.java;
 * that an event bus takes the operator: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
function wildcard(text: string): RegExp {
  if (/(?<!\\)(\\\\)*\*\*/.test(text)) throw new Error(`event pattern: "${text}" has two wildcards side by side`);
  const parts = text.match(/\\.|[^\\]|\\$/gs) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return '[\\s\\S]*';
    if (part.startsWith('\\') && part !== '\\*' && part !== '\\\\')
      throw new Error(`event pattern: "${text}" has a backslash before neither "*" nor a backslash`);
    return (part.startsWith('\\') ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}
