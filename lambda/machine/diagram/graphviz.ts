import type { Machine, State } from '../definition';
import { actionLines, arrowsOf, type Arrow } from './parts';

/**
 * Draws a machine as a Graphviz digraph, for `dot -Tsvg`.
 *
 * The box of a state lists its entry, do and exit actions. The label of an arrow is `event / action`. Local transitions are bold and marked
 * «local»; catch transitions are dashed and marked «catch».
 *
 * @returns a digraph in the DOT language
 * @see https://graphviz.org/doc/info/lang.html
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
    ...arrowsOf(machine).map(
      (arrow) =>
        `  ${quote(arrow.source)} -> ${quote(arrow.target)} [label=${quote(` ${arrow.label} `)}${STYLES[arrow.kind]}]`,
    ),
    ...finals.map((state) => `  ${quote(state.name)} -> ${END}`),
    '}',
    '',
  ].join('\n');
}

// Names of states cannot begin with $.
const START = '"$start"';
const END = '"$end"';

const STYLES: Record<Arrow['kind'], string> = {
  message: '',
  local: ' style=bold',
  catch: ' style=dashed color=firebrick fontcolor=firebrick',
};

/** Returns the HTML-like label of a state: its name, and its actions below a line. */
function boxOf(state: State): string {
  const actions = actionLines(state)
    .map((line) => `<TR><TD ALIGN="LEFT">${escape(line)}</TD></TR>`)
    .join('');
  const title = `<TR><TD><B>${escape(state.name)}</B></TD></TR>`;
  return `<TABLE BORDER="0" CELLPADDING="1">${title}${actions && `<HR/>${actions}`}</TABLE>`;
}

/** Quotes a string. Graphviz interprets backslashes and HTML entities in strings. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/&/g, '&amp;')}"`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
