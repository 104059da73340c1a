import type { Grade } from './quality.ts';

const rank = (grade: Grade) => ['good', 'fair', 'poor'].indexOf(grade);

/** Reports a grade that lasts, not one that flickers: worse after 2 readings, better after 3. */
export class GradeFilter {
  #grade: Grade = 'good';
  #other: Grade = 'good';
  #count = 0;

  /** The new lasting grade when it changed, else undefined. */
  push(grade: Grade): Grade | undefined {
    if (grade === this.#grade) {
      this.#count = 0;
      return undefined;
    }
    this.#count = grade === this.#other ? this.#count + 1 : 1;
    this.#other = grade;
    const worse = rank(grade) > rank(this.#grade);
    if (this.#count < (worse ? 2 : 3)) return undefined;
    this.#grade = grade;
    this.#count = 0;
    return grade;
  }
}
