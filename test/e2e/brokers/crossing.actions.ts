import { crossing } from './crossing.machine';
import { implement } from 'cdk-lambda-fsm/runtime';

export default implement(crossing, {
  board: async () => 'boarded',
  leave: async (_context, run) => {
    if (run.attempt === 0) throw new Error('The fog is too thick.');
    return 'left';
  },
  land: async () => 'landed',
});
