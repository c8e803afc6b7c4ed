/** One exhaustive search of a model. */
export interface Run {
  readonly model: 'transitions' | 'mailbox';
  /** How often which fault may happen; what is left out does not happen. */
  readonly bounds: Readonly<Record<string, number>>;
  /** The mistake that is planted, and must be caught. */
  readonly mutation?: string;
  /** Checks that the execution ends, when each process gets its turn. */
  readonly fair?: boolean;
}

/** The protocol as it is: nothing may be found. */
export const SOUND: readonly Run[] = [
  { model: 'transitions', bounds: { CRASHES: 2, EXPIRES: 1, DUPLICATES: 1 } },
  { model: 'transitions', bounds: { EXPIRES: 1, FAILURES: 2, REDRIVES: 2 } },
  { model: 'transitions', bounds: { CRASHES: 1, FAILURES: 2, REDRIVES: 2 } },
  { model: 'transitions', bounds: { FAILURES: 2, REDRIVES: 2, CANCELS: 1 } },
  { model: 'transitions', bounds: { CRASHES: 1, EXPIRES: 1, DUPLICATES: 1, FAILURES: 1, REDRIVES: 1, CANCELS: 1 } },
  { model: 'transitions', bounds: { CRASHES: 1, EXPIRES: 1, DUPLICATES: 1, FAILURES: 1 }, fair: true },
  { model: 'mailbox', bounds: { CRASHES: 1 } },
  { model: 'mailbox', bounds: { EXPIRES: 1 } },
  { model: 'mailbox', bounds: { DUPLICATES: 1 } },
  { model: 'mailbox', bounds: { CALLERS: 1, DOUBTS: 1, CRASHES: 1, EXPIRES: 1, DUPLICATES: 1 } },
  { model: 'mailbox', bounds: { CALLERS: 1, CRASHES: 1, EXPIRES: 1, FAILURES: 1, CANCELS: 1 } },
  { model: 'mailbox', bounds: { FAILURES: 1, CANCELS: 1 } },
];

/** The protocol with a mistake in it, and the faults that it takes to show. */
export const MUTATIONS: readonly Run[] = [
  mutation('transitions', 'MUTATE_SUCCESSOR_IGNORES_FENCE', { EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_IGNORES_PARENT', { CRASHES: 1, EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_IGNORES_LEASE', { DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_IGNORES_DONE', { DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_KEEPS_FENCE', { EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RELEASE_IGNORES_FENCE', { EXPIRES: 1, DUPLICATES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_IGNORES_FENCE', { EXPIRES: 1, DUPLICATES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_IGNORES_RELEASE', { FAILURES: 2, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_BEFORE_JOURNAL', {}),
  mutation('transitions', 'MUTATE_LOSER_FORGETS_THE_WINNER', { EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_BUSY_IS_ACKNOWLEDGED', { CRASHES: 1 }),
  mutation('transitions', 'MUTATE_ACKNOWLEDGED_BEFORE_RETRY', { CRASHES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_ACTIONS_RUN_AFTER_DISPATCH', {}),
  mutation('transitions', 'MUTATE_REFUSED_IS_TAKEN', { FAILURES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_BEFORE_DISPATCH', { CRASHES: 1 }),
  mutation('transitions', 'MUTATE_FAILED_BEFORE_DEAD_LETTER', { CRASHES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_REDRIVE_SENDS_FIRST', { FAILURES: 1, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_REDRIVE_TAKES_THE_LATEST', { FAILURES: 1, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_REOPEN_IGNORES_FENCE', { FAILURES: 2, REDRIVES: 2 }),
  mutation('transitions', 'MUTATE_REOPEN_TELLS_NOTHING', { CRASHES: 1, FAILURES: 1, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_CANCEL_KEEPS_FENCE', { CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_PARKER_DOES_NOT_LOOK', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_LOOKS_BEFORE_COMMIT', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_CALLER_LOOKS_FIRST', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_DUPLICATE_DOES_NOT_LOOK', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_ID_IGNORED', { CALLERS: 1, DOUBTS: 1 }),
  mutation('mailbox', 'MUTATE_POSITION_NOT_CARRIED', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_FORGOTTEN_BEFORE_COMMIT', { EXPIRES: 1 }),
  mutation('mailbox', 'MUTATE_TIMEOUT_IS_A_STEP', { EXPIRES: 1 }),
  mutation('mailbox', 'MUTATE_TIMEOUT_AFTER_COMMIT', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_COMMIT_BEFORE_CHECKPOINT', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_LATE_MAIL_STAYS', { CALLERS: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_LATE_TIMEOUT_STAYS', { CALLERS: 1, CRASHES: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_CANCEL_LETS_GO_FIRST', { CALLERS: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_CANCEL_KEEPS_FENCE', { CALLERS: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_REDRIVE_LOSES_POSITION', { CALLERS: 1, FAILURES: 1 }),
];

function mutation(model: Run['model'], name: string, bounds: Run['bounds']): Run {
  return { model, mutation: name, bounds };
}
