import type { Machine, State } from '../definition';
import { actionLines, arrowsOf, type Arrow } from './parts';

/**
 * Draws a machine as a Graphviz digraph, for `dot -Tsvg`.
 *
 * Each state has its entry, do and exit actions in its box; an arrow reads `event / action`. Transitions that are taken in the same
 * invocation are bold and marked «local», those that are taken when the last retry has failed dashed and marked «catch».
 *
 * @returns text in the DOT language
 */
export function toGraphviz(machine: Machine): string {
  const states = Object.values(machine.states);
  const finals = states.filter((state) => state.final);
  return [
    `digraph ${quote(machine.name)} {`,
    `  label=${quote(machine.name)} labelloc=t fontname=Helvetica`,
    '  node [fontname=Helvetica fontsize=11 shape=box style=rounded]',
    '  edge [fontname=Helvetica fontsize=10]',
    `  ${START} [label="" shape=circle style=filled fillcolor=black width=0.2]`,
    ...states.map((state) => `  ${quote(state.name)} [label=<${boxOf(state)}>]`),
    ...(finals.length > 0 ? [`  ${END} [label="" shape=doublecircle style=filled fillcolor=black width=0.15]`] : []),
    `  ${START} -> ${quote(machine.initial)}`,
    ...arrowsOf(machine).map((arrow) => `  ${quote(arrow.source)} -> ${quote(arrow.target)} [label=${quote(` ${arrow.label} `)}${STYLES[arrow.kind]}]`),
    ...finals.map((state) => `  ${quote(state.name)} -> ${END}`),
    '}',
    '',
  ].join('\n');
}

// No state can have these names.
const START = '"$start"';
const END = '"$end"';

const STYLES: Record<Arrow['kind'], string> = {
  message: '',
  local: ' style=bold',
  catch: ' style=dashed color=firebrick fontcolor=firebrick',
};

/** The name over a line, and the actions below it. */
function boxOf(state: State): string {
  const actions = actionLines(state).map((line) => `<TR><TD ALIGN="LEFT">${escape(line)}</TD></TR>`).join('');
  const title = `<TR><TD><B>${escape(state.name)}</B></TD></TR>`;
  return `<TABLE BORDER="0" CELLPADDING="1">${title}${actions && `<HR/>${actions}`}</TABLE>`;
}

/** A quoted string of the DOT language, in which Graphviz also reads backslashes and HTML entities. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/&/g, '&amp;')}"`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
