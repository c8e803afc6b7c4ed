import { MailboxFullError } from '../../lambda/engine/errors';
import type { ExecutionKey, Mailbox } from '../../lambda/engine/ports';
import { MAX_WAITING_BYTES, MAX_WAITING_MAILS } from '../../lambda/engine/ports/mailbox';

/**
 * Tests the contract of a {@link Mailbox}.
 *
 * @param open creates an empty mailbox; called before each test
 */
export function describeMailboxContract(name: string, open: () => Promise<Mailbox>): void {
  describe(`${name} as a mailbox`, () => {
    let mailbox: Mailbox;
    let executions = 0;
    let key: ExecutionKey;

    beforeEach(async () => {
      mailbox = await open();
      executions += 1;
      key = { executionId: `execution-${executions}`, incarnation: 'a7' };
    });

    const put = (id: string, event = 'paid', data?: number) => mailbox.put(key, { id, event, data });
    const putEarly = (id: string, event = 'paid') => mailbox.put({ executionId: key.executionId }, { id, event });
    const first = (events: readonly string[] = ['paid', 'approved'], step = 0) => mailbox.first(key, events, step);
    const ids = async (execution = key) => (await mailbox.list(execution, 100)).mails.map(({ id }) => id);

    test('is empty at first', async () => {
      expect(await first()).toBeUndefined();
      expect(await mailbox.list(key, 10)).toEqual({ mails: [] });
      expect(await mailbox.find(key, 'a')).toBeUndefined();
    });

    test('finds the first mail of the given events, in the order of acceptance', async () => {
      await put('b', 'checked');
      await put('a', 'approved');
      await put('c', 'paid', 3);
      expect(await first()).toMatchObject({ id: 'a', event: 'approved' });
      expect(await first(['paid'])).toMatchObject({ id: 'c' });
      expect(await first(['other'])).toBeUndefined();
      expect(await first([])).toBeUndefined();
      expect(await ids()).toEqual(['b', 'a', 'c']);
    });

    test('keeps the data of a mail', async () => {
      await mailbox.put(key, { id: 'a', event: 'paid', data: { amount: 3, note: null } });
      await mailbox.put(key, { id: 'b', event: 'approved', data: null });
      const [a, b] = await Promise.all([first(['paid']), first(['approved'])]);
      expect(await mailbox.read(key.executionId, a!.key)).toEqual({
        id: 'a',
        event: 'paid',
        data: { amount: 3, note: null },
      });
      expect(await mailbox.read(key.executionId, b!.key)).toEqual({ id: 'b', event: 'approved', data: null });
      await put('c', 'checked');
      expect(await mailbox.read(key.executionId, (await first(['checked']))!.key)).toEqual({
        id: 'c',
        event: 'checked',
      });
    });

    test('accepts each id once, and tells whether the content is the same', async () => {
      const data = { b: 1, a: [{ d: 2, c: null }] };
      expect(await mailbox.put(key, { id: 'a', event: 'paid', data })).toMatchObject({ accepted: true });
      const again = await mailbox.put(key, { id: 'a', event: 'paid', data: { a: [{ c: null, d: 2 }], b: 1 } });
      expect(again).toEqual({ accepted: false, same: true, incarnation: 'a7' });
      for (const other of [
        { event: 'paid', data: { ...data, b: 2 } },
        { event: 'paid', data: { a: [{ d: 2, c: null }, 1], b: 1 } },
        { event: 'paid', data: null },
        { event: 'paid' },
        { event: 'approved', data },
      ]) {
        expect(await mailbox.put(key, { id: 'a', ...other })).toMatchObject({ accepted: false, same: false });
      }
      expect(await ids()).toEqual(['a']);
    });

    test('removes a mail, but keeps its id', async () => {
      await put('a');
      await put('b');
      const { key: removed } = (await first())!;
      expect(await mailbox.remove(key.executionId, removed)).toBe(true);
      expect(await mailbox.remove(key.executionId, removed)).toBe(false);
      expect(await first()).toMatchObject({ id: 'b' });
      expect(await put('a')).toMatchObject({ accepted: false, same: true });
      await mailbox.remove(key.executionId, (await first())!.key);
      await mailbox.remove(key.executionId, 'nothing');
      expect(await first()).toBeUndefined();
    });

    test('tells events apart whose names contain separators', async () => {
      await put('a', 'paid#000000000001');
      await put('b', 'paid');
      await put('c', '4:paid#');
      expect(await first(['paid'])).toMatchObject({ id: 'b' });
      expect(await first(['4:paid#'])).toMatchObject({ id: 'c' });
      expect(await first(['paid#000000000001'])).toMatchObject({ id: 'a' });
    });

    test('takes names and ids of the maximum length', async () => {
      const long = '\u{1d11e}'.repeat(128);
      await put(long, long);
      expect(await first([long])).toMatchObject({ id: long, event: long });
    });

    test('gives an early mail to the next incarnation', async () => {
      await putEarly('a');
      await put('b');
      expect(await first()).toMatchObject({ id: 'a' });
      expect(await ids()).toEqual(['a', 'b']);
      expect(await ids({ ...key, incarnation: '' })).toEqual(['a']);
      expect(await mailbox.find(key, 'a')).toMatchObject({ event: 'paid' });
      expect(await put('a')).toEqual({ accepted: false, same: true });
      expect(await putEarly('a')).toEqual({ accepted: false, same: true });
    });

    test('keeps incarnations apart', async () => {
      const next = { ...key, incarnation: 'b8' };
      await put('a');
      expect(await mailbox.first(next, ['paid'], 0)).toBeUndefined();
      expect(await ids(next)).toEqual([]);
      expect(await mailbox.find(next, 'a')).toBeUndefined();
      expect(await mailbox.put(next, { id: 'a', event: 'approved' })).toMatchObject({ accepted: true });
      expect(await ids()).toEqual(['a']);
      expect(await ids(next)).toEqual(['a']);
    });

    test('accepts the id of an early mail again if it is known from a forgotten incarnation', async () => {
      await put('a');
      expect(await putEarly('a')).toEqual({ accepted: false, same: true, incarnation: 'a7' });
      const recipient = { executionId: key.executionId, forgotten: 'a7' };
      expect(await mailbox.put(recipient, { id: 'a', event: 'approved' })).toMatchObject({ accepted: true });
      expect(await mailbox.put(recipient, { id: 'a', event: 'approved' })).toEqual({ accepted: false, same: true });
    });

    test('keeps a mail for one step, once for each event', async () => {
      const mail = { id: '$callback/3/paid', event: 'paid', step: 3 };
      expect(await mailbox.put(key, { ...mail, data: 1 })).toMatchObject({ accepted: true });
      expect(await mailbox.put(key, { ...mail, data: 1 })).toMatchObject({ accepted: false, same: true });
      expect(await mailbox.put(key, { ...mail, data: 2 })).toMatchObject({ accepted: false, same: false });
      expect(await mailbox.put(key, { ...mail, event: 'approved' })).toMatchObject({ accepted: true });
      expect(await first(['paid', 'approved'], 2)).toBeUndefined();
      expect(await first(['approved'], 3)).toMatchObject({ event: 'approved', step: 3 });
      const found = await first(['paid', 'approved'], 3);
      expect(found).toMatchObject({ id: '$callback/3/paid', event: 'paid', step: 3 });
      expect(await mailbox.read(key.executionId, found!.key)).toMatchObject({ event: 'paid', data: 1, step: 3 });
      expect(await ids()).toEqual([]);
    });

    test('hides a mail, and shows it again', async () => {
      await put('a');
      await put('b');
      const { key: mail } = (await mailbox.find(key, 'a'))!;
      expect(await mailbox.hide(key.executionId, mail, true)).toBe(true);
      expect(await first()).toMatchObject({ id: 'b' });
      expect(await ids()).toEqual(['b']);
      expect(await mailbox.read(key.executionId, mail)).toMatchObject({ id: 'a' });
      expect(await mailbox.hide(key.executionId, mail, false)).toBe(true);
      expect(await first()).toMatchObject({ id: 'a' });
      await mailbox.remove(key.executionId, mail);
      expect(await mailbox.hide(key.executionId, mail, true)).toBe(false);
    });

    test('lists mails in pages', async () => {
      await putEarly('e0');
      await putEarly('e1');
      for (const id of ['a', 'b', 'c']) await put(id);
      const seen: string[] = [];
      for (let next: string | undefined = ''; next !== undefined;) {
        const page = await mailbox.list(key, 2, next || undefined);
        expect(page.mails.length).toBeLessThanOrEqual(2);
        seen.push(...page.mails.map(({ id }) => id));
        next = page.next;
      }
      expect(seen).toEqual(['e0', 'e1', 'a', 'b', 'c']);
    });

    test('bounds the waiting mails of one event, and no others', async () => {
      const data = 'x'.repeat(59_000);
      const room = Math.ceil(MAX_WAITING_BYTES / data.length);
      for (let index = 0; index < room; index += 1) await mailbox.put(key, { id: `id-${index}`, event: 'paid', data });
      await expect(put('more')).rejects.toThrow(MailboxFullError);
      expect(room).toBeLessThan(MAX_WAITING_MAILS);
      await put('other', 'approved');
      await putEarly('early');
      await mailbox.put(key, { id: '$callback/0/paid', event: 'paid', step: 0 });
      await mailbox.remove(key.executionId, (await mailbox.find(key, 'id-0'))!.key);
    }, 60_000);

    test('loses no mail under concurrent puts', async () => {
      const all = Array.from({ length: 12 }, (_, index) => `id-${index}`);
      const results = await Promise.all([...all, ...all].map((id) => put(id)));
      expect(results.filter(({ accepted }) => accepted)).toHaveLength(12);
      expect([...(await ids())].sort()).toEqual([...all].sort());
    });

    test('keeps one secret for each step, the first proposed one', async () => {
      expect(await mailbox.readSecret(key, 1)).toBeUndefined();
      const answers = await Promise.all(
        ['s1', 's2', 's3'].map((secret) => mailbox.createSecret(key, 1, { secret, events: ['done'] })),
      );
      const known = await mailbox.readSecret(key, 1);
      expect(known).toEqual({ secret: answers[0], events: ['done'] });
      expect(new Set(answers).size).toBe(1);
      expect(await mailbox.createSecret(key, 2, { secret: 's4', events: [] })).toBe('s4');
      expect(await mailbox.createSecret({ ...key, incarnation: 'b8' }, 1, { secret: 's5', events: [] })).toBe('s5');
      expect(await mailbox.list(key, 10)).toEqual({ mails: [] });
    });

    test('removes the mails of an ended execution, and early ones', async () => {
      const other = { ...key, executionId: `${key.executionId}-other` };
      await put('a');
      await putEarly('b');
      await mailbox.put(key, { id: '$callback/0/paid', event: 'paid', step: 0 });
      await mailbox.put({ ...key, incarnation: 'b8' }, { id: 'c', event: 'paid' });
      await mailbox.put(other, { id: 'a', event: 'paid' });
      await mailbox.createSecret(key, 0, { secret: 's', events: [] });
      await mailbox.expire(key);
      await mailbox.expire({ ...key, executionId: `${key.executionId}-nobody` });
      expect(await first()).toBeUndefined();
      expect(await ids()).toEqual([]);
      expect(await ids({ ...key, incarnation: 'b8' })).toEqual(['c']);
      expect(await ids(other)).toEqual(['a']);
      expect(await mailbox.readSecret(key, 0)).toMatchObject({ secret: 's' });
    });
  });
}
