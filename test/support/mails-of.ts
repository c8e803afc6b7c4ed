import { keyOf } from './execution-key';
import type { ClientMailbox, ExecutionKey, WaitingMail } from '../../lambda/engine/ports';

/** The first 100 mails that wait for an execution, including early ones. */
export async function mailsOf(
  mailbox: Pick<ClientMailbox, 'list'>,
  execution: string | ExecutionKey,
): Promise<readonly WaitingMail[]> {
  return (await mailbox.list(typeof execution === 'string' ? keyOf(execution) : execution, 100)).mails;
}
