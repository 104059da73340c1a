/** For counts of what a node could not do. */
import { toProblem } from '@tandem/service';
import type { onErrorAsyncHookHandler } from 'fastify';

/** A hook `onError` of a route, for what fails here with a status of 500 and more: what another node answered is no error here. */
export const tellFailure =
  (tell: (code: string) => void): onErrorAsyncHookHandler =>
  async (_request, _reply, error) => {
    const { status, code } = toProblem(error);
    if (status >= 500) tell(code);
  };
