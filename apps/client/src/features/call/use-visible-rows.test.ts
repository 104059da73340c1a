import fc from 'fast-check';
import { expect, test } from 'vitest';
import { visibleRows } from './use-visible-rows.ts';

test('every row in sight is there, the height is that of all rows, and a list of any length has about as many rows as fit', () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.double({ min: 20, max: 120, noNaN: true }),
      fc.double({ min: -500, max: 300_000, noNaN: true }),
      fc.double({ min: 0, max: 3000, noNaN: true }),
      (count, row, top, height) => {
        const { from, to, above, below } = visibleRows(count, row, { top, height });
        expect(above + (to - from) * row + below).toBeCloseTo(count * row, 3);
        expect(above).toBeCloseTo(from * row, 3);
        const [first, last] = [Math.floor(top / row), Math.floor((top + height) / row)];
        for (const seen of [first, last]) if (seen >= 0 && seen < count) expect(seen >= from && seen < to).toBe(true);
        if (count > 60) expect(to - from).toBeLessThanOrEqual(Math.ceil(height / row) + 16);
        else expect([from, to]).toEqual([0, count]);
      },
    ),
  );
});
