import { expect, test } from 'vitest';
import { run } from './main.ts';

test('closed, open, one probe, open again, one probe, closed; a sick dependency is spared', async () => {
  const { states, reached, answers } = await run(() => {});
  expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
  expect(reached).toEqual({ healthy: 20, 'answers 500': 5, hangs: 1, 'healthy again': 20 });
  expect(answers['answers 500']).toEqual({ ok: 0, failed: 5, refused: 15 });
  expect(answers.hangs).toEqual({ ok: 0, failed: 1, refused: 19 });
  expect(answers['healthy again']).toEqual({ ok: 20, failed: 0, refused: 0 });
});
