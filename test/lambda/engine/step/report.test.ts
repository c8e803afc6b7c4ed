import { Engine, Executions } from '../../../../lambda/engine';
import { normalize } from '../../../../lambda/machine';
import { SimulatedWorkflow } from '../../../../lambda/testing/bench/simulated-workflow';
import { wrapPort } from '../../../../lambda/testing/services/wrap-port';

test('a metrics service that does not answer does not delay the answer to the source', async () => {
  const machine = normalize({ name: 'short', initial: 'only', states: { only: { final: true } } });
  const answered: number[] = [];
  const bench = new SimulatedWorkflow((environment) => {
    const metrics = wrapPort(environment.ports.metrics, {
      flush: () => new Promise<void>(() => undefined),
    });
    const engine = new Engine({ ...environment.ports, metrics }, [machine], () => undefined);
    return {
      process: async (deliveries, invocation) => {
        const outcomes = await engine.process(deliveries, invocation);
        answered.push(invocation.deadline - environment.ports.clock.now());
        return outcomes;
      },
      sendDue: (stores, until, invocation) => engine.sendDue(stores, until, invocation),
    };
  });
  await bench.asClient((ports) => new Executions(ports, ['short']).start({ machine: 'short' }));
  await bench.run();
  expect(bench.services.locks.all).toMatchObject([{ status: 'completed' }]);
  expect(answered).toEqual([500]);
});
