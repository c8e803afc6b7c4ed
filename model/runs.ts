/** One exhaustive search of a model. */
export interface Run {
  readonly model: 'start' | 'transitions' | 'mailbox';
  /** Maximum number of occurrences of each fault. Absent faults do not occur. */
  readonly bounds: Readonly<Record<string, number>>;
  /** The planted mistake, which must be caught. */
  readonly mutation?: string;
  /** Checks that the execution ends under fair scheduling. */
  readonly fair?: boolean;
}

/** The protocol without mistakes: no violation may be found. */
export const SOUND: readonly Run[] = [
  { model: 'start', bounds: { CRASHES: 2, FAILURES: 2, DUPLICATES: 1, CANCELS: 1, LEFTOVERS: 1, FORGETS: 1 } },
  {
    model: 'start',
    bounds: { CRASHES: 2, FAILURES: 2, DUPLICATES: 1, CANCELS: 1, LEFTOVERS: 1, FORGETS: 1, DIFFERENT: 1 },
  },
  { model: 'transitions', bounds: { CRASHES: 2, EXPIRES: 1, DUPLICATES: 1, ALONE: 1 } },
  { model: 'transitions', bounds: { EXPIRES: 1, FAILURES: 2, REDRIVES: 2 } },
  { model: 'transitions', bounds: { CRASHES: 1, FAILURES: 2, REDRIVES: 2 } },
  { model: 'transitions', bounds: { FAILURES: 2, REDRIVES: 2, CANCELS: 1 } },
  { model: 'transitions', bounds: { CRASHES: 1, EXPIRES: 1, DUPLICATES: 1, FAILURES: 1, REDRIVES: 1, CANCELS: 1 } },
  { model: 'transitions', bounds: { CRASHES: 1, EXPIRES: 1, DUPLICATES: 1, FAILURES: 1 }, fair: true },
  { model: 'mailbox', bounds: { CALLERS: 1, CRASHES: 1 } },
  { model: 'mailbox', bounds: { CALLERS: 1, EXPIRES: 1, DUPLICATES: 1 } },
  { model: 'mailbox', bounds: { CALLERS: 1, DOUBTS: 1 } },
  { model: 'mailbox', bounds: { CALLERS: 1, DROPS: 1 } },
  { model: 'mailbox', bounds: { CALLERS: 1, FAILURES: 1, CANCELS: 1 } },
];

/** The protocol with one mistake each, and the faults that expose it. */
export const MUTATIONS: readonly Run[] = [
  mutation('start', 'MUTATE_START_RECORDS_NOTHING', {}),
  mutation('start', 'MUTATE_OTHER_CONTEXT_IS_ACCEPTED', { DIFFERENT: 1 }),
  mutation('start', 'MUTATE_ACQUIRE_IGNORES_THE_RECORD', { LEFTOVERS: 1 }),
  mutation('start', 'MUTATE_START_WITHOUT_RECORD_BEGINS', { LEFTOVERS: 1 }),
  mutation('start', 'MUTATE_START_WITHOUT_RECORD_BEGINS', { DUPLICATES: 1, FORGETS: 1 }),
  mutation('start', 'MUTATE_REPEATED_START_SENDS_ITS_OWN', { CRASHES: 1 }),
  mutation('start', 'MUTATE_REPEATED_START_SENDS_NOTHING', { CRASHES: 1 }),
  mutation('start', 'MUTATE_CANCEL_DELETES_THE_RECORD', { CANCELS: 1 }),
  mutation('start', 'MUTATE_CANCEL_LEAVES_A_PENDING_START', { CANCELS: 1 }),
  mutation('transitions', 'MUTATE_SUCCESSOR_IGNORES_FENCE', { EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_IGNORES_PARENT', { CRASHES: 1, EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_IGNORES_LEASE', { DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_IGNORES_DONE', { DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RETRY_KEEPS_FENCE', { EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_RELEASE_IGNORES_FENCE', { EXPIRES: 1, DUPLICATES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_IGNORES_FENCE', { EXPIRES: 1, DUPLICATES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_IGNORES_RELEASE', { FAILURES: 2, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_BEFORE_JOURNAL', {}),
  mutation('transitions', 'MUTATE_LOSER_DELETES_ENTRY_OF_WINNER', { EXPIRES: 1, DUPLICATES: 1 }),
  mutation('transitions', 'MUTATE_BUSY_IS_ACKNOWLEDGED', { CRASHES: 1 }),
  mutation('transitions', 'MUTATE_ACKNOWLEDGED_BEFORE_RETRY', { CRASHES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_ACTIONS_RUN_AFTER_DISPATCH', {}),
  mutation('transitions', 'MUTATE_REJECTED_COUNTS_AS_SENT', { FAILURES: 1 }),
  mutation('transitions', 'MUTATE_COMMIT_BEFORE_DISPATCH', { CRASHES: 1 }),
  mutation('transitions', 'MUTATE_FAILED_BEFORE_DEAD_LETTER', { CRASHES: 1, FAILURES: 1 }),
  mutation('transitions', 'MUTATE_REDRIVE_SENDS_FIRST', { FAILURES: 1, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_REDRIVE_RESUMES_THE_LATEST', { FAILURES: 1, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_REOPEN_IGNORES_FENCE', { FAILURES: 2, REDRIVES: 2 }),
  mutation('transitions', 'MUTATE_REOPEN_LEAVES_NO_TRACE', { CRASHES: 1, FAILURES: 1, REDRIVES: 1 }),
  mutation('transitions', 'MUTATE_CANCEL_KEEPS_FENCE', { CANCELS: 1 }),
  mutation('transitions', 'MUTATE_DEATH_OF_NEIGHBOR_COUNTS', { CRASHES: 1 }),
  mutation('transitions', 'MUTATE_SUSPECT_RUNS_BESIDE_OTHERS', { CRASHES: 2 }),
  mutation('mailbox', 'MUTATE_PARKER_SKIPS_MAILBOX', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_MAILBOX_READ_BEFORE_COMMIT', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_ACKNOWLEDGED_BEFORE_LOOK', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_DUPLICATE_SKIPS_MAILBOX', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_WAKE_UP_LEAVES_ITS_OWN_PARK', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_CALLER_READS_LOCK_FIRST', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_ID_IGNORED', { CALLERS: 1, DOUBTS: 1 }),
  mutation('mailbox', 'MUTATE_ID_APART', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_POSITION_IGNORED', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_RETRY_IGNORES_MAIL', { CALLERS: 1, DUPLICATES: 1, EXPIRES: 1 }),
  mutation('mailbox', 'MUTATE_TAKEN_MAIL_STAYS', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_TAKEN_NOT_CARRIED', { CALLERS: 1 }),
  mutation('mailbox', 'MUTATE_REMOVED_BEFORE_COMMIT', { CALLERS: 1, EXPIRES: 1 }),
  mutation('mailbox', 'MUTATE_WAKING_MAIL_REMOVED_BEFORE_PARK', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_TIMEOUT_AFTER_COMMIT', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_COMMIT_BEFORE_CHECKPOINT', { CALLERS: 1, CRASHES: 1 }),
  mutation('mailbox', 'MUTATE_LATE_MAIL_STAYS', { CALLERS: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_CANCEL_EXPIRES_MAILBOX_FIRST', { CALLERS: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_CANCEL_KEEPS_FENCE', { CALLERS: 1, CANCELS: 1 }),
  mutation('mailbox', 'MUTATE_REDRIVE_LOSES_MAIL', { CALLERS: 1, FAILURES: 1 }),
  mutation('mailbox', 'MUTATE_DROP_HIDES_NOTHING', { CALLERS: 1, DROPS: 1 }),
  mutation('mailbox', 'MUTATE_DROP_IGNORES_TAKEN', { CALLERS: 1, DROPS: 1 }),
  mutation('mailbox', 'MUTATE_DROP_IGNORES_PARK', { CALLERS: 1, DROPS: 1 }),
  mutation('mailbox', 'MUTATE_DROP_LEAVES_PARK_ASLEEP', { CALLERS: 1, DROPS: 1 }),
];

function mutation(model: Run['model'], name: string, bounds: Run['bounds']): Run {
  return { model, mutation: name, bounds };
}
