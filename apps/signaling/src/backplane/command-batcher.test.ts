import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommandBatcher } from './command-batcher.ts';

/** A client that is connected to a stream which counts what leaves it together. */
class Wire {
  readonly writes: string[][] = [];
  readonly batcher: CommandBatcher;
  #corked = 0;
  #held: string[] = [];
  constructor() {
    const client = new Redis({ lazyConnect: true });
    Object.assign(client, { stream: this });
    this.batcher = new CommandBatcher(client);
  }
  cork() {
    this.#corked++;
  }
  uncork() {
    if (--this.#corked > 0 || this.#held.length === 0) return;
    this.writes.push(this.#held);
    this.#held = [];
  }
  write(command: string) {
    if (this.#corked > 0) this.#held.push(command);
    else this.writes.push([command]);
  }
  script(name: string) {
    this.batcher.hold();
    this.write(name);
  }
  publish(name: string) {
    this.write(name);
    this.batcher.send();
  }
}

let wire: Wire;
beforeEach(() => {
  vi.useFakeTimers();
  wire = new Wire();
});
afterEach(() => {
  vi.useRealTimers();
});

test('after a pause what one turn wrote leaves at its end', () => {
  wire.script('a');
  wire.script('b');
  expect(wire.writes).toEqual([]);
  vi.advanceTimersByTime(0);
  expect(wire.writes).toEqual([['a', 'b']]);
});

test('commands that follow a write leave together, 4 ms later at most', () => {
  wire.script('a');
  vi.advanceTimersByTime(1);
  for (const name of ['b', 'c', 'd']) {
    wire.script(name);
    vi.advanceTimersByTime(1);
  }
  expect(wire.writes).toEqual([['a']]);
  vi.advanceTimersByTime(1);
  expect(wire.writes).toEqual([['a'], ['b', 'c', 'd']]);
});

test('a publish does not wait, and takes along what does', () => {
  wire.script('a');
  vi.advanceTimersByTime(1);
  wire.script('b');
  wire.publish('frames');
  expect(wire.writes).toEqual([['a'], ['b', 'frames']]);
  // The timer of what has left holds nothing back, and sends nothing early.
  wire.script('c');
  vi.advanceTimersByTime(3);
  expect(wire.writes).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(wire.writes).toEqual([['a'], ['b', 'frames'], ['c']]);
});

test('a client that is not connected holds nothing', () => {
  const client = new Redis({ lazyConnect: true });
  const batcher = new CommandBatcher(client);
  batcher.hold();
  batcher.send();
  expect(vi.getTimerCount()).toBe(0);
});
