import { Store, useStore } from '@tandem/react';

/** Whether the page around this one has answered: the room is its choice then, and nothing here leads away from it. */
export const host = new Store({ connected: false });

export const useHosted = (): boolean => useStore(host, ({ connected }) => connected);

/** For links that lead elsewhere: not in the frame. */
export const elsewhere = (hosted: boolean) => (hosted ? { target: '_blank', rel: 'noopener' } : {});
