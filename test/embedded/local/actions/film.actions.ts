import { film } from './film.machine';
import { implement } from 'cdk-lambda-fsm/runtime';

interface Film {
  readonly title: string;
  prepared?: boolean;
  outcome?: unknown;
}

export default implement.for<Film>()(film, {
  // Runs before the task starts.
  render: async (context) => {
    context.prepared = true;
  },
  note: async (context, run) => {
    context.outcome = run.data;
  },
});
