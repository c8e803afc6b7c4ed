import fc from 'fast-check';
import type { Mail } from '../../lambda/engine';
import { nextMail, NOTHING_TAKEN, take } from '../../lambda/engine/mailbox-position';

function mails(...events: string[]): Mail[] {
  return events.map((event, index) => ({ position: index + 1, id: `id-${index}`, event }));
}

test('the earliest mail that the state handles is taken, and what it overtakes is deferred', () => {
  const all = mails('late', 'now', 'now');
  const first = nextMail(NOTHING_TAKEN, all, ['now'], 0);
  expect(first?.position).toBe(2);
  const position = take(NOTHING_TAKEN, 2, all, 0);
  expect(position).toEqual({ through: 2, deferred: [1] });
  expect(nextMail(position, all, ['now'], 0)?.position).toBe(3);
  expect(nextMail(position, all, ['late'], 0)?.position).toBe(1);
  expect(take(position, 1, all, 0)).toEqual({ through: 2, deferred: [] });
});

test('a mail for one step is taken in the wait of that step alone', () => {
  const all = [{ position: 1, id: 'a', event: 'go', step: 3 }, { position: 2, id: 'b', event: 'go' }];
  expect(nextMail(NOTHING_TAKEN, all, ['go'], 3)?.position).toBe(1);
  expect(nextMail(NOTHING_TAKEN, all, ['go'], 4)?.position).toBe(2);
});

test('what came with a token that is spent is not deferred, and what a list has missed is', () => {
  const all = [{ position: 1, id: 'a', event: 'go', step: 3 }, { position: 2, id: 'b', event: 'go', step: 9 }, { position: 4, id: 'd', event: 'go' }];
  expect(take(NOTHING_TAKEN, 4, all, 3)).toEqual({ through: 4, deferred: [2, 3] });
  expect(take({ through: 4, deferred: [1, 2] }, 2, all, 9)).toEqual({ through: 4, deferred: [] });
});

test('nothing fits', () => {
  expect(nextMail(NOTHING_TAKEN, mails('a'), ['b'], 0)).toBeUndefined();
  expect(nextMail(NOTHING_TAKEN, [], ['b'], 0)).toBeUndefined();
});

test('whatever the states handle, each mail is taken once and none is lost', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('a', 'b', 'c')), fc.array(fc.subarray(['a', 'b', 'c'])), (events, states) => {
    const all = mails(...events);
    let position = NOTHING_TAKEN;
    const taken: Mail[] = [];
    for (const accepts of [...states, ...events.map(() => ['a', 'b', 'c'])]) {
      const mail = nextMail(position, all, accepts, 0);
      if (!mail) continue;
      taken.push(mail);
      position = take(position, mail.position, all, 0);
    }
    expect(taken.map((mail) => mail.position).sort((a, b) => a - b)).toEqual(all.map((mail) => mail.position));
    expect(position.deferred).toEqual([]);
  }));
});
