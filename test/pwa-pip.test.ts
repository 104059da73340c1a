/** The call in a small window of its own (Document Picture-in-Picture). */
import { expect, test, vi } from 'vitest';
import { expectAccessible, muted, patience, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();

test('picture in picture has people and controls, and ends with the call', async () => {
  const { page, context } = await suite.join('Ada', 'small');
  await page.getByTestId('empty-room').waitFor();
  await suite.peer('small', 'Bob');
  await page.getByTestId('peer-tile').waitFor();
  const opening = context.waitForEvent('page');
  await page.getByTestId('more').click();
  await page.getByRole('button', { name: 'Picture in picture' }).click();
  const small = await opening;
  await small.setViewportSize({ width: 360, height: 400 });
  await small.getByTestId('pip-tile').getByText('Bob').waitFor();
  await expectAccessible(small, 'picture in picture');
  await small.getByRole('button', { name: 'Turn microphone off' }).click();
  await vi.waitFor(async () => expect(await muted(page)).toBe(true), patience);
  const gone = small.waitForEvent('close');
  await small.getByTestId('leave').click();
  await page.getByTestId('ended').waitFor();
  await gone;
});
