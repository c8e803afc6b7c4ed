import type { Construct } from 'constructs';

/** The id, with a number if the scope has such a child already: `Alarms`, `Alarms2`, … */
export function freeId(scope: Construct, id: string): string {
  let free = id;
  for (let number = 2; scope.node.tryFindChild(free); number += 1) free = `${id}${number}`;
  return free;
}
