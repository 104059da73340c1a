/** Whose sound is forwarded in a room of more people than anybody can hear at once. */

/** Most people whose sound one person receives. */
export const MAX_AUDIBLE = 25;

export class Loudest {
  /** Who spoke last comes first; who never spoke comes last, in the order of arrival. */
  #order: string[] = [];

  arrive(peerId: string): void {
    if (!this.#order.includes(peerId)) this.#order.push(peerId);
  }

  depart(peerId: string): void {
    this.#order = this.#order.filter((one) => one !== peerId);
  }

  /** @returns whether somebody is audible now who was not */
  spoke(peerId: string): boolean {
    const at = this.#order.indexOf(peerId);
    if (at < 0) return false;
    this.#order.splice(at, 1);
    this.#order.unshift(peerId);
    return at >= MAX_AUDIBLE;
  }

  isAudible(peerId: string): boolean {
    const at = this.#order.indexOf(peerId);
    return at >= 0 && at < MAX_AUDIBLE;
  }
}
