import type { Transport } from '../../../../lambda/engine';
import { VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';
import { InMemoryDeadLetters } from '../../../../lambda/testing/services/in-memory-dead-letters';
import { InMemoryJournal } from '../../../../lambda/testing/services/in-memory-journal';
import { InMemoryLockStore } from '../../../../lambda/testing/services/in-memory-lock-store';
import { InMemoryMailbox } from '../../../../lambda/testing/services/in-memory-mailbox';
import { InMemoryQueue } from '../../../../lambda/testing/services/in-memory-queue';
import { InMemoryRetryTable } from '../../../../lambda/testing/services/in-memory-retry-table';
import { InMemoryRunningExecutions } from '../../../../lambda/testing/services/in-memory-running-executions';
import { InMemoryStream } from '../../../../lambda/testing/services/in-memory-stream';
import { InMemoryTopic } from '../../../../lambda/testing/services/in-memory-topic';
import type { PolledSource } from '../../../../lambda/testing/services/polled-source';
import { describeDeadLetterStoreContract } from '../../../contracts/dead-letters';
import { describeDueStoreContract } from '../../../contracts/due-store';
import { describeJournalContract } from '../../../contracts/journal';
import { describeLockStoreContract } from '../../../contracts/lock-store';
import { describeMailboxContract } from '../../../contracts/mailbox';
import { describeRunningExecutionsContract } from '../../../contracts/running-executions';
import { describeTransportContract, type OpenTransport } from '../../../contracts/transport';

const clock = new VirtualClock();
const deadLetters = new InMemoryDeadLetters();

describeLockStoreContract('InMemoryLockStore', async () => new InMemoryLockStore({ clock }));
describeRunningExecutionsContract('InMemoryRunningExecutions', async () => new InMemoryRunningExecutions());
describeJournalContract('InMemoryJournal', async () => new InMemoryJournal({ clock }));
describeMailboxContract('InMemoryMailbox', async () => new InMemoryMailbox(clock));
describeDueStoreContract('InMemoryRetryTable', async () => new InMemoryRetryTable({ clock }));
describeDeadLetterStoreContract('InMemoryDeadLetters', async () => {
  const store = new InMemoryDeadLetters();
  return { store, letters: async () => store.letters };
});
describeTransportContract('InMemoryQueue', async () => polled(new InMemoryQueue({ clock, deadLetters })));
describeTransportContract('InMemoryQueue, FIFO,', async () =>
  polled(new InMemoryQueue({ clock, deadLetters, fifo: true })),
);
describeTransportContract('InMemoryStream of Kinesis', async () =>
  polled(new InMemoryStream({ clock, deadLetters, service: 'kinesis' })),
);
describeTransportContract('InMemoryStream of DynamoDB', async () =>
  polled(new InMemoryStream({ clock, deadLetters, service: 'dynamodb' })),
);
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

/** Takes and acknowledges all messages, batch by batch. */
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
