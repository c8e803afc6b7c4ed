import { MailboxFullError } from '../../lambda/engine/errors';
import { MAX_WAITING_MAILS } from '../../lambda/engine/mailbox-position';
import type { Mailbox } from '../../lambda/engine/ports';

/**
 * What every mailbox must do: see {@link Mailbox}.
 *
 * @param open makes an empty mailbox; called before each test
 */
export function describeMailboxContract(name: string, open: () => Promise<Mailbox>): void {
  describe(`${name} as a mailbox`, () => {
    let mailbox: Mailbox;
    let executions = 0;
    let executionId: string;

    beforeEach(async () => {
      mailbox = await open();
      executions += 1;
      executionId = `execution-${executions}`;
    });

    it('is empty at first', async () => {
      expect(await mailbox.list(executionId)).toEqual([]);
    });

    it('keeps mails in the order in which they were accepted', async () => {
      await mailbox.put(executionId, { id: 'b', event: 'paid', data: { amount: 3, note: null } });
      await mailbox.put(executionId, { id: 'a', event: 'approved' });
      await mailbox.put(executionId, { id: 'c', event: 'checked', data: null });
      expect(await mailbox.list(executionId)).toEqual([
        { position: 1, id: 'b', event: 'paid', data: { amount: 3, note: null } },
        { position: 2, id: 'a', event: 'approved' },
        { position: 3, id: 'c', event: 'checked', data: null },
      ]);
    });

    it('accepts an event once by its id', async () => {
      await mailbox.put(executionId, { id: 'a', event: 'paid', data: 1 });
      await mailbox.put(executionId, { id: 'b', event: 'approved' });
      await mailbox.put(executionId, { id: 'a', event: 'paid', data: 2 });
      expect(await mailbox.list(executionId)).toEqual([
        { position: 1, id: 'a', event: 'paid', data: 1 },
        { position: 2, id: 'b', event: 'approved' },
      ]);
    });

    it('forgets mails that were removed, but neither their ids nor their positions', async () => {
      for (const id of ['a', 'b', 'c']) await mailbox.put(executionId, { id, event: 'paid' });
      await mailbox.remove(executionId, [1, 3]);
      expect((await mailbox.list(executionId)).map(({ id }) => id)).toEqual(['b']);
      await mailbox.remove(executionId, [2]);
      await mailbox.put(executionId, { id: 'a', event: 'paid' });
      expect(await mailbox.list(executionId)).toEqual([]);
      await mailbox.put(executionId, { id: 'd', event: 'paid' });
      expect(await mailbox.list(executionId)).toEqual([{ position: 4, id: 'd', event: 'paid' }]);
    });

    it('removes many at once, and what is not there', async () => {
      for (let index = 1; index <= 30; index += 1) await mailbox.put(executionId, { id: `id-${index}`, event: 'paid' });
      await mailbox.remove(executionId, [...Array.from({ length: 29 }, (_, index) => index + 1), 77]);
      await mailbox.remove(executionId, []);
      expect((await mailbox.list(executionId)).map(({ position }) => position)).toEqual([30]);
    });

    it('refuses more than may wait, but neither what was accepted before nor what is for one step', async () => {
      const ids = Array.from({ length: MAX_WAITING_MAILS }, (_, index) => `id-${index}`);
      for (const id of ids) await mailbox.put(executionId, { id, event: 'paid' });
      await expect(mailbox.put(executionId, { id: 'more', event: 'paid' })).rejects.toBeInstanceOf(MailboxFullError);
      await mailbox.put(executionId, { id: 'id-0', event: 'paid' });
      await mailbox.put(executionId, { id: 'late', event: 'expired', step: 3 });
      expect(await mailbox.list(executionId)).toHaveLength(MAX_WAITING_MAILS + 1);
      await mailbox.remove(executionId, [1, 2]);
      await mailbox.put(executionId, { id: 'more', event: 'paid' });
      expect((await mailbox.list(executionId)).at(-1)).toMatchObject({ id: 'more', position: MAX_WAITING_MAILS + 2 });
    }, 60_000);

    it('leaves no gap and loses nothing when many put at once', async () => {
      const ids = Array.from({ length: 8 }, (_, index) => `id-${index}`);
      await Promise.all([...ids, ...ids].map((id) => mailbox.put(executionId, { id, event: 'paid' })));
      const mails = await mailbox.list(executionId);
      expect(mails.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(mails.map(({ id }) => id).sort()).toEqual(ids);
    });

    it('keeps the step that a mail is for', async () => {
      await mailbox.put(executionId, { id: 'a', event: 'done', step: 0 });
      expect(await mailbox.list(executionId)).toEqual([{ position: 1, id: 'a', event: 'done', step: 0 }]);
    });

    it('keeps one secret for each execution, the first that was proposed', async () => {
      expect(await mailbox.readSecret(executionId)).toBeUndefined();
      const answers = await Promise.all(['s1', 's2', 's3'].map((secret) => mailbox.createSecret(executionId, secret)));
      const secret = await mailbox.readSecret(executionId);
      expect(answers).toEqual([secret, secret, secret]);
      expect(await mailbox.createSecret(executionId, 's4')).toBe(secret);
      expect(await mailbox.createSecret(`${executionId}-other`, 's5')).toBe('s5');
      expect(await mailbox.list(executionId)).toEqual([]);
    });

    it('lets the mailbox of one execution go', async () => {
      await mailbox.put(executionId, { id: 'a', event: 'paid' });
      await mailbox.put(`${executionId}-other`, { id: 'a', event: 'paid' });
      await mailbox.expire(executionId);
      await mailbox.expire(`${executionId}-nobody`);
      expect(await mailbox.list(`${executionId}-other`)).toHaveLength(1);
      expect(await mailbox.list(`${executionId}-nobody`)).toEqual([]);
    });

    it('keeps executions apart', async () => {
      await mailbox.put(executionId, { id: 'a', event: 'paid' });
      await mailbox.put(`${executionId}-other`, { id: 'a', event: 'approved' });
      expect(await mailbox.list(executionId)).toEqual([{ position: 1, id: 'a', event: 'paid' }]);
      expect(await mailbox.list(`${executionId}-other`)).toEqual([{ position: 1, id: 'a', event: 'approved' }]);
    });
  });
}
