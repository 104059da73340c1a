/**
 * Whether the picture of HLS moves, and where it goes on when it is late. Counted in looks of a second, not by the clock: in a hidden tab timers are late
 * (one a minute), and a machine that slept was not stalled.
 */

/** Without a picture that moves for this number of looks it does not go on. */
const STALLED = 15;
/**
 * Who is further behind the place of who is not late than this jumps, s. hls.js takes them for viewers who chose to be late and does not catch up (from two
 * and a half of our segments on); its own limit would jump at each stall.
 */
const TOO_LATE_S = 2.5;
/** Who jumps has played for this number of looks. Twice as long for each next jump, up to the second one: a picture that stands is worse than a late one. */
const CALM = 10;
const MOST_CALM = 120;

export type Watched = Pick<HTMLVideoElement, 'currentTime' | 'paused' | 'played' | 'buffered'>;

export class PictureWatch {
  #at = 0;
  #still = 0;
  #calm = 0;
  #wanted = CALM;

  /**
   * To be called each second.
   * @param goal where who is not late is; null without one: the stream has ended or stands, or nothing is known of it
   * @returns the time to go on at, when it is to jump
   */
  look(video: Watched, goal: number | null): 'stalled' | number | undefined {
    const { currentTime, paused, played, buffered } = video;
    if (currentTime === this.#at) {
      this.#calm = 0;
      // Who has paused it waits for nothing: a media key, or a browser that hides it. One that may not begin is paused as well.
      this.#still = paused && played.length > 0 ? 0 : this.#still + 1;
      return this.#still > STALLED ? 'stalled' : undefined;
    }
    this.#at = currentTime;
    this.#still = 0;
    this.#calm++;
    if (goal === null || this.#calm < this.#wanted || goal - currentTime <= TOO_LATE_S) return undefined;
    // Into a gap, or past what is loaded, it would stand.
    if (!isIn(buffered, goal)) return undefined;
    this.#calm = 0;
    this.#wanted = Math.min(2 * this.#wanted, MOST_CALM);
    return goal;
  }
}

const isIn = (ranges: TimeRanges, at: number): boolean =>
  Array.from({ length: ranges.length }, (_, i) => i).some((i) => ranges.start(i) <= at && at < ranges.end(i));
