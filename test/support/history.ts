import { keyOf } from './execution-key';
import type { Checkpoint, ExecutionKey, Journal } from '../../lambda/engine';

/** Reads all entries of an execution, by step, then by fence. */
export async function historyOf(
  journal: Pick<Journal, 'page' | 'read'>,
  execution: string | ExecutionKey,
): Promise<readonly Checkpoint[]> {
  const key = typeof execution === 'string' ? keyOf(execution) : execution;
  const checkpoints: Checkpoint[] = [];
  let before: number | undefined;
  for (;;) {
    const { entries, hasEarlier } = await journal.page(key, 1_000, before);
    const page = await Promise.all(entries.map(({ step, attempt }) => journal.read(key, step, attempt.fence)));
    checkpoints.unshift(...page.filter((checkpoint) => checkpoint !== undefined));
    if (!hasEarlier) return checkpoints;
    before = entries[0]?.step;
  }
}
