import { normalize, toGraphviz, toMermaid } from '../../../lambda/machine';
import { order } from '../../support/machines';

/** Names that contain the syntax of Mermaid and Graphviz. */
const odd = normalize({
  name: 'a "b" & <c>\\',
  initial: 'end',
  states: {
    end: { do: 'a.b.C;D', entry: '%% *x* {y}', on: { 'e: -->': 'a b', 'x"y\\': 'a_b' } },
    'a b': { on: { go: '1[*]' } },
    a_b: { on: { go: '1[*]' } },
    '1[*]': { final: true, entry: '<b>&</b>' },
  },
});

test('a Mermaid diagram shows actions, start, end, and local and catch transitions', () => {
  expect(toMermaid(normalize(order))).toBe(`stateDiagram-v2
  state "reserving" as reserving
  reserving : do / reserveStock
  state "charging" as charging
  charging : entry / openPayment
  charging : do / charge
  charging : exit / closePayment
  state "shipping" as shipping
  shipping : do / ship
  state "done" as done
  state "cancelled" as cancelled
  [*] --> reserving
  reserving --> charging : reserved
  reserving --> cancelled : soldOut
  charging --> shipping : charged «local» / sendReceipt
  charging --> cancelled : declined
  shipping --> done : delivered
  shipping --> cancelled : «catch» / apologize
  done --> [*]
  cancelled --> [*]
`);
});

test('an event that a timeout sends is labeled with the time', () => {
  const waiting = normalize({
    name: 'claim',
    initial: 'waiting',
    states: {
      waiting: { on: { approved: 'done', expired: 'done' }, timeout: { seconds: 3600, event: 'expired' } },
      done: { final: true },
    },
  });
  expect(toMermaid(waiting)).toContain(
    'waiting --> done : approved\n  waiting --> done : expired #40;after 3600 s#41;\n',
  );
  expect(toGraphviz(waiting)).toContain('label=" expired (after 3600 s) "');
});

test('a Mermaid diagram escapes names and has unique identifiers', () => {
  expect(toMermaid(odd)).toBe(`stateDiagram-v2
  state "end" as s_end
  s_end : entry / #37;#37; #42;x#42; #123;y#125;
  s_end : do / a.b.C#59;D
  state "a b" as a_b
  state "a_b" as a_b_2
  state "1#91;#42;#93;" as 1___
  1___ : entry / #60;b#62;#38;#60;/b#62;
  [*] --> s_end
  s_end --> a_b : e#58; --#62;
  s_end --> a_b_2 : x#34;y#92;
  a_b --> 1___ : go
  a_b_2 --> 1___ : go
  1___ --> [*]
`);
});

test('a Graphviz diagram shows actions, start, end, and local and catch transitions', () => {
  expect(toGraphviz(normalize(order))).toBe(`digraph "order" {
  label="order" labelloc=t fontname=Helvetica
  node [fontname=Helvetica fontsize=11 shape=box style=rounded]
  edge [fontname=Helvetica fontsize=10]
  "$start" [label="" shape=circle style=filled fillcolor=black width=0.2]
  "reserving" [label=<<TABLE BORDER="0" CELLPADDING="1"><TR><TD><B>reserving</B></TD></TR><HR/><TR><TD ALIGN="LEFT">do / reserveStock</TD></TR></TABLE>>]
  "charging" [label=<<TABLE BORDER="0" CELLPADDING="1"><TR><TD><B>charging</B></TD></TR><HR/><TR><TD ALIGN="LEFT">entry / openPayment</TD></TR><TR><TD ALIGN="LEFT">do / charge</TD></TR><TR><TD ALIGN="LEFT">exit / closePayment</TD></TR></TABLE>>]
  "shipping" [label=<<TABLE BORDER="0" CELLPADDING="1"><TR><TD><B>shipping</B></TD></TR><HR/><TR><TD ALIGN="LEFT">do / ship</TD></TR></TABLE>>]
  "done" [label=<<TABLE BORDER="0" CELLPADDING="1"><TR><TD><B>done</B></TD></TR></TABLE>>]
  "cancelled" [label=<<TABLE BORDER="0" CELLPADDING="1"><TR><TD><B>cancelled</B></TD></TR></TABLE>>]
  "$end" [label="" shape=doublecircle style=filled fillcolor=black width=0.15]
  "$start" -> "reserving"
  "reserving" -> "charging" [label=" reserved "]
  "reserving" -> "cancelled" [label=" soldOut "]
  "charging" -> "shipping" [label=" charged «local» / sendReceipt " style=bold]
  "charging" -> "cancelled" [label=" declined "]
  "shipping" -> "done" [label=" delivered "]
  "shipping" -> "cancelled" [label=" «catch» / apologize " style=dashed color=firebrick fontcolor=firebrick]
  "done" -> "$end"
  "cancelled" -> "$end"
}
`);
});

test('a Graphviz diagram escapes names', () => {
  const lines = toGraphviz(odd).split('\n');
  expect(lines[0]).toBe('digraph "a \\"b\\" &amp; <c>\\\\" {');
  expect(lines).toContain(
    '  "1[*]" [label=<<TABLE BORDER="0" CELLPADDING="1"><TR><TD><B>1[*]</B></TD></TR><HR/>' +
      '<TR><TD ALIGN="LEFT">entry / &#60;b&#62;&#38;&#60;/b&#62;</TD></TR></TABLE>>]',
  );
  expect(lines).toContain('  "end" -> "a_b" [label=" x\\"y\\\\ "]');
});
