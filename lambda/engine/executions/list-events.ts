import type { ExecutionsContext } from './context';
import { assertExecutionId } from './validate';
import { InvalidRequestError } from '../errors';
import type { ClientMailbox, ExecutionKey } from '../ports';

/** Maximum number of events of one page. */
export const MAX_PAGE = 100;

/** An event that was accepted for an execution, and that the execution has not taken. */
export interface WaitingEvent {
  readonly id: string;
  readonly event: string;
  readonly sentAt: Date;
}

/** A page of waiting events. */
export interface EventPage {
  /** At most 100 events, in the order in which they were accepted. */
  readonly events: readonly WaitingEvent[];
  /** Pass it to the next call; absent on the last page. */
  readonly nextToken?: string;
}

/** Options of a list of events. */
export interface ListEventsOptions {
  /**
   * The `nextToken` of the previous page.
   *
   * @default - the first page
   */
  readonly nextToken?: string;
}

/** Lists the waiting events of an execution, a page at a time. */
export async function listEvents(
  { ports: { locks, mailbox } }: ExecutionsContext,
  executionId: string,
  { nextToken }: ListEventsOptions = {},
): Promise<EventPage> {
  assertExecutionId(executionId);
  if (
    nextToken !== undefined &&
    (typeof nextToken !== 'string' || nextToken.length === 0 || nextToken.length > 1_024)
  ) {
    throw new InvalidRequestError('Invalid nextToken: expected the nextToken of the previous page.');
  }
  const lock = await locks.read(executionId);
  return pageOf(mailbox, lock ?? early(executionId), lock?.mail, nextToken);
}

/** Finds only early events: no incarnation has this name. */
export function early(executionId: string): ExecutionKey {
  return { executionId, incarnation: '' };
}

/** @param taken the mail that the execution has taken, and that may still be stored */
export async function pageOf(
  mailbox: Pick<ClientMailbox, 'list'>,
  execution: ExecutionKey,
  taken: string | undefined,
  nextToken?: string,
): Promise<EventPage> {
  const { mails, next } = await mailbox.list(execution, MAX_PAGE, nextToken);
  return {
    events: mails
      .filter(({ key }) => key !== taken)
      .map(({ id, event, sentAt }) => ({ id, event, sentAt: new Date(sentAt) })),
    ...(next !== undefined && { nextToken: next }),
  };
}
