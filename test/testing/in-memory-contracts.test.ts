import type { Transport } from '../../lambda/engine';
import {
  InMemoryDeadLetters,
  InMemoryJournal,
  InMemoryLockStore,
  InMemoryMailbox,
  InMemoryQueue,
  InMemoryRetryTable,
  InMemoryRunningExecutions,
  InMemoryStream,
  InMemoryTopic,
  VirtualClock,
  type PolledSource,
} from '../../lambda/testing';
import { describeDeadLetterStoreContract } from '../contract/dead-letters';
import { describeDueStoreContract } from '../contract/due-store';
import { describeJournalContract } from '../contract/journal';
import { describeLockStoreContract } from '../contract/lock-store';
import { describeMailboxContract } from '../contract/mailbox';
import { describeRunningExecutionsContract } from '../contract/running-executions';
import { describeTransportContract, type OpenTransport } from '../contract/transport';

const clock = new VirtualClock();
const deadLetters = new InMemoryDeadLetters();

describeLockStoreContract('InMemoryLockStore', async () => new InMemoryLockStore({ clock }));
describeRunningExecutionsContract('InMemoryRunningExecutions', async () => new InMemoryRunningExecutions());
describeJournalContract('InMemoryJournal', async () => new InMemoryJournal({ clock }));
describeMailboxContract('InMemoryMailbox', async () => new InMemoryMailbox());
describeDueStoreContract('InMemoryRetryTable', async () => new InMemoryRetryTable({ clock }));
describeDeadLetterStoreContract('InMemoryDeadLetters', async () => {
  const store = new InMemoryDeadLetters();
  return { store, letters: async () => store.letters };
});
describeTransportContract('InMemoryQueue', async () => polled(new InMemoryQueue({ clock, deadLetters })));
describeTransportContract('InMemoryQueue, FIFO,', async () => polled(new InMemoryQueue({ clock, deadLetters, fifo: true })));
describeTransportContract('InMemoryStream of Kinesis', async () => polled(new InMemoryStream({ clock, deadLetters, service: 'kinesis' })));
describeTransportContract('InMemoryStream of DynamoDB', async () => polled(new InMemoryStream({ clock, deadLetters, service: 'dynamodb' })));
describeTransportContract('InMemoryTopic', async () => polled(new InMemoryTopic({ clock, deadLetters })));
describeTransportContract('InMemoryRetryTable', async () => {
  const transport = new InMemoryRetryTable({ clock });
  return {
    transport,
    received: async () => {
      const bodies: string[] = [];
      for await (const page of transport.due(Infinity)) {
        bodies.push(...page.map(({ body }) => body));
      }
      return bodies;
    },
  };
});

/** Takes all that it holds, batch by batch, and acknowledges it. */
function polled(source: PolledSource & Transport): OpenTransport {
  const bodies: string[] = [];
  return {
    transport: source,
    received: async () => {
      for (let batch = source.take(1000); batch.length > 0; batch = source.take(1000)) {
        bodies.push(...batch.map(({ body }) => body));
        source.settle(batch, new Map(batch.map(({ id }) => [id, 'acknowledge'])));
      }
      return bodies;
    },
  };
}
