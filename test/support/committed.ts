import type { AttemptDescription, StepDescription } from '../../lambda/client';

/** The attempt that committed a step; nothing while the step is running. */
export function committedAttempt(step: StepDescription | undefined): AttemptDescription | undefined {
  return step?.attempts.find(({ committed }) => committed);
}
