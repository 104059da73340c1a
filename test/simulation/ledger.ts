/** Who sent what to whom, what arrived, and what the sender was told. */
import type { DeliveryFailure, DeliveryResult } from '@tandem/rtc';

interface Party {
  readonly name: string;
  readonly session: { readonly peerId: string | undefined };
}
interface Message {
  readonly n: number;
  readonly at: number;
  arrived: number;
  result: DeliveryResult | undefined;
}
interface Flow {
  readonly label: string;
  readonly sent: Message[];
  lastArrived: number;
}

export interface Tally {
  sent: number;
  arrived: number;
  failed: number;
  reasons: Partial<Record<DeliveryFailure, number>>;
}

export class Ledger {
  /** Per ordered pair of sessions: an identity is only as old as its session. */
  readonly #flows = new Map<string, Flow>();
  readonly violations: string[] = [];

  /** About to send: returns the payload. `note` gets the result. */
  send(
    from: Party,
    to: string,
    at: number,
  ): { data: { n: number; key: string }; note: (result: DeliveryResult) => void } {
    const key = `${from.session.peerId}>${to}`;
    let flow = this.#flows.get(key);
    if (!flow) {
      flow = { label: `${from.name} to ${to}`, sent: [], lastArrived: -1 };
      this.#flows.set(key, flow);
    }
    const message: Message = { n: flow.sent.length, at, arrived: 0, result: undefined };
    flow.sent.push(message);
    return {
      data: { n: message.n, key },
      note: (result) => {
        if (message.result) this.violations.push(`${key} #${message.n}: two results`);
        message.result = result;
      },
    };
  }

  received(from: string, by: Party, data: unknown): void {
    const { n, key } = data as { n: number; key: string };
    const expected = `${from}>${by.session.peerId}`;
    const flow = this.#flows.get(key);
    const message = flow?.sent[n];
    if (key !== expected) this.violations.push(`${by.name} got ${key} #${n} as ${expected}`);
    if (!flow || !message) {
      this.violations.push(`${by.name} got what nobody sent: ${key} #${n}`);
      return;
    }
    if (++message.arrived > 1) this.violations.push(`${flow.label} #${n}: arrived ${message.arrived} times`);
    else if (n < flow.lastArrived) this.violations.push(`${flow.label}: #${n} after #${flow.lastArrived}`);
    flow.lastArrived = Math.max(flow.lastArrived, n);
  }

  /** At the end, when everything had time to settle. */
  settle(dead: (flowKey: string) => boolean): Tally {
    const tally: Tally = { sent: 0, arrived: 0, failed: 0, reasons: {} };
    for (const [key, { label, sent }] of this.#flows)
      for (const { n, arrived, result, at } of sent) {
        tally.sent++;
        tally.arrived += arrived;
        if (!result) {
          if (!dead(key))
            this.violations.push(`${label} #${n} (sent at ${Math.round(at)}): neither confirmed nor failed`);
        } else if (!result.ok) {
          tally.failed++;
          tally.reasons[result.reason] = (tally.reasons[result.reason] ?? 0) + 1;
        } else if (!arrived) this.violations.push(`${label} #${n}: confirmed but never arrived`);
        else if (!result.confirmed) this.violations.push(`${label} #${n}: best effort only`);
      }
    return tally;
  }
}
