/** A key document wherever it is kept: made where there is none, rotated when it is time. */
import { firstDocument, type KeyDocument, keySetOf, rotate, rotationDue, type Timetable } from './key-document.ts';
import type { KeySource } from './key-source.ts';

/** Where one document is kept, shared by all processes. */
export interface DocumentPlace {
  /** For logs: kind and place, no secret. */
  readonly description: string;
  /** @returns undefined where there is none yet and one may be made */
  read(): Promise<KeyDocument | undefined>;
  /**
   * Replace what is there by what `change` makes of it (the same again: nothing to write). Of several processes at once one writes.
   * @returns what is stored afterwards, by this process or by another
   */
  update(change: (present: KeyDocument | undefined) => Promise<KeyDocument>): Promise<KeyDocument>;
}

export function documentSource(place: DocumentPlace, timetable: Timetable): KeySource {
  return {
    description: place.description,
    async load(now) {
      const due = (doc: KeyDocument | undefined) => !doc || rotationDue(doc, now, timetable);
      let doc = await place.read();
      if (!doc || due(doc))
        doc = await place.update(async (present) => {
          if (!present) return firstDocument(timetable.algorithm, now);
          return due(present) ? rotate(present, now, timetable) : present;
        });
      return keySetOf(doc, now, timetable);
    },
  };
}
