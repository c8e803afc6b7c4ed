import { AspectPriority, Aspects } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Calls a function once when the app is complete, before its templates are created. It may still add constructs. */
export function whenComplete(construct: IConstruct, complete: () => void): void {
  let isComplete = false;
  Aspects.of(construct).add(
    {
      visit: (node) => {
        if (node !== construct || isComplete) return;
        isComplete = true;
        complete();
      },
    },
    { priority: AspectPriority.MUTATING },
  );
}
