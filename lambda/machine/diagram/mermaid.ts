import type { Machine } from '../definition';
import { actionLines, arrowsOf } from './parts';

/**
 * Draws a machine as a Mermaid state diagram, which GitHub and many editors show.
 *
 * Each state has its entry, do and exit actions in its box; an arrow reads `event / action`. Transitions that are taken in the same
 * invocation are marked «local», those that are taken when the last retry has failed «catch».
 *
 * @returns the text of a `stateDiagram-v2`
 */
export function toMermaid(machine: Machine): string {
  const ids = new Ids();
  const states = Object.values(machine.states);
  return [
    'stateDiagram-v2',
    ...states.flatMap((state) => [
      `state "${escape(state.name)}" as ${ids.of(state.name)}`,
      ...actionLines(state).map((line) => `${ids.of(state.name)} : ${escape(line)}`),
    ]),
    `[*] --> ${ids.of(machine.initial)}`,
    ...arrowsOf(machine).map(({ source, target, label }) => `${ids.of(source)} --> ${ids.of(target)} : ${escape(label)}`),
    ...states.filter((state) => state.final).map((state) => `${ids.of(state.name)} --> [*]`),
  ].join('\n  ') + '\n';
}

/** Gives each state an identifier that Mermaid takes for one: its name where that is possible. */
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

/** Words of Mermaid's own, and names that its code makes itself or that it would find on every object. */
const KEYWORD = new RegExp(`^(${[
  'acc(title|descr)', 'as', 'choice', 'class(def)?', 'click', 'default', 'direction', 'end', 'fork', 'hide', 'href', 'join', 'left', 'note', 'of', 'right',
  'root(_start|_end)?', 'scale', 'state(diagram)?', 'style', 'title', '__proto__', 'constructor', 'hasOwnProperty', 'isPrototypeOf', 'toString', 'valueOf',
].join('|')})$`, 'i');

/** Writes all but letters, digits and harmless signs by their number, so that nothing is taken for syntax, Markdown or HTML. */
function escape(text: string): string {
  return text.replace(/[^\p{L}\p{N}_ ./«»-]/gu, (character) => `#${character.codePointAt(0)};`);
}
