import type { Machine } from '../definition';
import { actionLines, arrowsOf } from './parts';

/**
 * Draws a machine as a Mermaid state diagram, which GitHub and many editors render.
 *
 * The box of a state lists its entry, do and exit actions. The label of an arrow is `event / action`. Local transitions are marked «local»,
 * catch transitions «catch».
 *
 * @returns a `stateDiagram-v2`
 * @see https://mermaid.js.org/syntax/stateDiagram.html
 */
export function toMermaid(machine: Machine): string {
  const ids = new Ids();
  const states = Object.values(machine.states);
  return (
    [
      'stateDiagram-v2',
      ...states.flatMap((state) => [
        `state "${escape(state.name)}" as ${ids.of(state.name)}`,
        ...actionLines(state).map((line) => `${ids.of(state.name)} : ${escape(line)}`),
      ]),
      `[*] --> ${ids.of(machine.initial)}`,
      ...arrowsOf(machine).map(
        ({ source, target, label }) => `${ids.of(source)} --> ${ids.of(target)} : ${escape(label)}`,
      ),
      ...states.filter((state) => state.final).map((state) => `${ids.of(state.name)} --> [*]`),
    ].join('\n  ') + '\n'
  );
}

/** Assigns a valid Mermaid identifier to each state: its name, where possible. */
class Ids {
  private readonly ids = new Map<string, string>();
  private readonly taken = new Set<string>();

  public of(name: string): string {
    let id = this.ids.get(name);
    if (id === undefined) {
      const wanted = KEYWORD.test(name) ? `s_${name}` : name;
      const plain = wanted.replace(/\W/g, '_');
      for (let count = 1; id === undefined || this.taken.has(id); count++) {
        id = count === 1 ? plain : `${plain}_${count}`;
      }
      this.ids.set(name, id);
      this.taken.add(id);
    }
    return id;
  }
}

/** Mermaid's keywords, identifiers that it generates, and inherited properties of JavaScript objects, which it would find. */
const KEYWORD = new RegExp(
  `^(${[
    'acc(title|descr)',
    'as',
    'choice',
    'class(def)?',
    'click',
    'default',
    'direction',
    'end',
    'fork',
    'hide',
    'href',
    'join',
    'left',
    'note',
    'of',
    'right',
    'root(_start|_end)?',
    'scale',
    'state(diagram)?',
    'style',
    'title',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'isPrototypeOf',
    'toString',
    'valueOf',
  ].join('|')})$`,
  'i',
);

/** Replaces everything except letters, digits and harmless signs by character codes, so that no name is read as syntax, Markdown or HTML. */
function escape(text: string): string {
  return text.replace(/[^\p{L}\p{N}_ ./«»-]/gu, (character) => `#${character.codePointAt(0)};`);
}
